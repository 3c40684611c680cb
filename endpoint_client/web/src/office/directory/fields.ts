// Forms of the directory as lists of fields: what they ask, and what is sent.

import type { messages } from './messages';
import type { Values } from './api';

export type Kind = 'text' | 'long' | 'number' | 'date' | 'choice' | 'search' | 'check' | 'lines' | 'phone' | 'email';
export interface Option {
  value: string;
  label: string;
}
export interface Field {
  key: string;
  label: string;
  kind: Kind;
  required?: boolean;
  wide?: boolean;
  max?: number;
  options?: Option[];
  empty?: string | false;
}
type Text = typeof messages.vi;

/** Whose it is: a site, found by typing, brings its organisation; what is of no site names the organisation. */
export const ownerFields = (t: Text, sites: Option[], owners: Option[]): Field[] => [
  { key: 'site_id', label: t.site, kind: 'search', options: sites, wide: true },
  { key: 'organisation_id', label: t.ownerWithoutSite, kind: 'choice', options: owners, wide: true },
];

/** The choices of a table of words. */
export const options = (words: Record<string, string>): Option[] =>
  Object.entries(words).map(([value, label]) => ({ value, label }));

const text = (key: string, label: string, more: Partial<Field> = {}): Field => ({ key, label, kind: 'text', ...more });
const choice = (key: string, label: string, words: Record<string, string>, more: Partial<Field> = {}): Field => ({
  key,
  label,
  kind: 'choice',
  options: options(words),
  empty: false,
  ...more,
});
const remark = (t: Text): Field => ({ key: 'remark', label: t.remark, kind: 'long', wide: true, max: 1000 });

export const organisationFields = (t: Text, all: boolean): Field[] => [
  ...(all
    ? [
        text('name', t.name, { required: true, wide: true }),
        choice('kind', t.kind, t.kinds, { required: true }),
        { key: 'is_manager', label: t.isManager, kind: 'check' as const },
        { key: 'active', label: t.active, kind: 'check' as const },
      ]
    : []),
  text('short_name', t.shortName, { max: 60 }),
  text('accountable_name', t.accountableName),
  text('accountable_position', t.accountablePosition),
  text('accountable_phone', t.accountablePhone, { kind: 'phone', max: 40 }),
  text('address', t.address, { wide: true, max: 300 }),
  text('phone', t.phone, { kind: 'phone', max: 40 }),
  text('email', t.email, { kind: 'email', max: 254 }),
  remark(t),
];

export const siteFields = (t: Text, so: boolean, carriers: Option[]): Field[] => [
  text('name', t.name, { required: true, wide: true, max: 100 }),
  text('room', t.room),
  { key: 'seats', label: t.seats, kind: 'number' },
  text('address', t.address, { wide: true, max: 300 }),
  choice('endpoint_type', t.endpointType, t.endpointTypes),
  text('endpoint.maker', t.maker),
  text('endpoint.model', t.model),
  text('endpoint.serial', t.serial, { max: 80 }),
  text('endpoint.firmware', t.firmware, { max: 80 }),
  text('endpoint.address', t.endpointAddress, { max: 80 }),
  choice('network', t.network, t.networks),
  { key: 'carrier_id', label: t.carrier, kind: 'choice', options: carriers },
  text('line_code', t.lineCode, { max: 80 }),
  { key: 'line_mbps', label: t.lineMbps, kind: 'number' },
  text('reserve_line', t.reserveLine),
  ...(so
    ? [
        { key: 'allowed_networks', label: t.allowedNetworks, kind: 'lines' as const, wide: true },
        { key: 'config_locked', label: t.configLocked, kind: 'check' as const, wide: true },
      ]
    : []),
  { key: 'active', label: t.active, kind: 'check' },
  remark(t),
];

export const contactFields = (t: Text): Field[] => [
  choice('role', t.role, t.roles),
  text('name', t.personName, { required: true }),
  text('position', t.position, { required: true }),
  text('phone', t.phone, { kind: 'phone', required: true, max: 40 }),
  text('email', t.email, { kind: 'email', max: 254 }),
  remark(t),
];

export const assetFields = (t: Text): Field[] => [
  text('name', t.name, { required: true }),
  choice('kind', t.kind, t.assetKinds, { required: true }),
  text('model', t.model),
  text('serial', t.serial, { max: 80 }),
  text('code', t.code, { max: 80 }),
  { key: 'quantity', label: t.quantity, kind: 'number', required: true },
  choice('state', t.state, t.assetStates),
  choice('cost_category', t.costCategory, t.costs),
  { key: 'value_vnd', label: t.value, kind: 'number' },
  { key: 'bought_on', label: t.boughtOn, kind: 'date' },
  { key: 'warranty_until', label: t.warrantyUntil, kind: 'date' },
  { key: 'every_months', label: t.everyMonths, kind: 'number' },
  { key: 'maintained_on', label: t.maintainedOn, kind: 'date' },
  { key: 'replace_year', label: t.replaceYear, kind: 'number' },
  { key: 'planned_vnd', label: t.planned, kind: 'number' },
  remark(t),
];

export const maintenanceFields = (t: Text): Field[] => [
  { key: 'done_on', label: t.doneOn, kind: 'date', required: true },
  choice('kind', t.what, t.works_),
  { key: 'cost_vnd', label: t.cost, kind: 'number' },
  text('done_by', t.doneBy),
  { key: 'outcome', label: t.outcome, kind: 'long', wide: true, max: 1000 },
  { key: 'works', label: t.works, kind: 'check', wide: true },
];

export const faultFields = (t: Text): Field[] => [
  text('title', t.title, { required: true, wide: true }),
  choice('kind', t.kind, t.faultKinds),
  { key: 'urgent', label: t.urgent, kind: 'check' },
  { key: 'text', label: t.details, kind: 'long', wide: true, max: 2000 },
];

export const traineeFields = (t: Text, so: boolean, courses: Option[]): Field[] => [
  text('name', t.personName, { required: true }),
  text('position', t.position),
  text('phone', t.phone, { kind: 'phone', max: 40 }),
  ...(so
    ? [
        text('certificate', t.certificate, { max: 80 }),
        text('issued_by', t.issuedBy),
        { key: 'issued_on', label: t.issuedOn, kind: 'date' as const },
        { key: 'expires_on', label: t.expiresOn, kind: 'date' as const },
        { key: 'course_id', label: t.courses, kind: 'choice' as const, options: courses },
      ]
    : []),
  { key: 'active', label: t.active, kind: 'check' },
  remark(t),
];

export const courseFields = (t: Text): Field[] => [
  text('title', t.name, { required: true, wide: true }),
  { key: 'year', label: t.year, kind: 'number', required: true },
  choice('state', t.state, t.courseStates),
  { key: 'starts_on', label: t.startsOn, kind: 'date' },
  { key: 'ends_on', label: t.endsOn, kind: 'date' },
  text('place', t.venue),
  { key: 'places', label: t.places, kind: 'number' },
  { key: 'cost_vnd', label: t.cost, kind: 'number' },
  { key: 'audience', label: t.audience, kind: 'long', wide: true, max: 500 },
  remark(t),
];

export const requestFields = (t: Text, moves: boolean, carriers: Option[]): Field[] => [
  { key: 'reason', label: t.reason, kind: 'long', required: true, wide: true, max: 2000 },
  ...(moves
    ? [
        text('wanted.room', t.room),
        text('wanted.address', t.address, { wide: true, max: 300 }),
        { key: 'carrier_id', label: t.carrier, kind: 'choice' as const, options: carriers },
      ]
    : [
        text('wanted.endpoint.maker', t.maker),
        text('wanted.endpoint.model', t.model),
        text('wanted.endpoint.serial', t.serial, { max: 80 }),
        text('wanted.line_code', t.lineCode, { max: 80 }),
        text('wanted.reserve_line', t.reserveLine),
      ]),
  { key: 'planned_on', label: t.plannedOn, kind: 'date' },
];

/** "endpoint.model" of an entry. */
export function read(values: Values, key: string): unknown {
  return key.split('.').reduce<unknown>((part, name) => (part as Values | null | undefined)?.[name], values);
}

/** The fields' values put together again; parts of an object keep what the form does not ask. */
export function gather(fields: Field[], given: Values, start: Values): Values {
  const values: Values = {};
  for (const field of fields) {
    const names = field.key.split('.');
    const last = names.pop() ?? '';
    let place = values;
    let before: unknown = start;
    for (const name of names) {
      before = (before as Values | null | undefined)?.[name];
      place = (place[name] ??= { ...(before as Values | undefined) }) as Values;
    }
    place[last] = given[field.key];
  }
  return values;
}
