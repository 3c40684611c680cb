// Minutes, evaluations, yearly and provincial reports: control_api/reports/routes.py.

import { download, get, list, post, put, type Part } from '../api';

export const CRITERIA = [
  'picture',
  'sound',
  'line',
  'preparation',
  'coordination',
  'script',
  'connect_time',
  'security',
] as const;
export type Criterion = (typeof CRITERIA)[number];
export const SECTIONS = [
  'management',
  'operation',
  'faults',
  'maintenance',
  'training',
  'difficulties',
  'proposals',
  'plan',
] as const;
export type Section = (typeof SECTIONS)[number];
export type PaperFormat = 'docx' | 'pdf';
export type AnyFormat = PaperFormat | 'xlsx';

export interface Meeting {
  conference: string;
  booking: string;
  title: string;
  class: string;
  organisation: string;
  state: string;
  starts_at: string;
  ends_at: string;
  sites: number;
  evaluation: 'none' | 'written' | 'signed';
}
export interface EvaluationItem {
  criterion: Criterion;
  about: string;
  score: number;
  remark: string;
}
export interface EvaluationText {
  items: EvaluationItem[];
  remark: string;
  proposal: string;
  evaluator: string;
  position: string;
}
export interface Evaluation extends EvaluationText {
  conference: string;
  revision: number;
  score: number | null;
  changed_at: string | null;
  changed_by: string | null;
  signed_at: string | null;
  signed_by: string | null;
  digest: string | null;
  journal_seq: number | null;
  journal_hash: string | null;
}
export type YearlyState = 'none' | 'draft' | 'submitted' | 'returned';
export interface YearlyLine {
  year: number;
  organisation: string;
  name: string;
  state: YearlyState;
  standing: 'submitted' | 'late' | 'missing';
  submitted_at: string | null;
}
export interface YearlyReport extends YearlyLine {
  revision: number;
  due: string;
  sections: Partial<Record<Section, string>>;
  figures: { name: string; vi: string; en: string; value: number | null }[];
  signer: string;
  signer_position: string;
  remark: string;
  changed_at: string | null;
  changed_by: string | null;
}
export interface Month {
  month: string;
  registered: number;
  held: number;
  urgent: number;
  refused: number;
  displaced: number;
  hours: number;
  most_at_once: number;
  most_sites: number;
  peak: number;
}
export interface Usage {
  total: Month;
  months: Month[];
  refused_for_capacity: number;
  capacity_measured: boolean;
  advice: string;
  advice_en: string;
}

const meeting = (id: string) => `/conferences/${encodeURIComponent(id)}`;
const agency = (year: number, id: string) => `/reports/yearly/${year}/organisations/${encodeURIComponent(id)}`;

export const meetings = (offset: number, limit: number): Promise<Part<Meeting>> =>
  list('/reports/meetings', { offset, limit });
export const minutes = (id: string, format: PaperFormat) => download(`${meeting(id)}/minutes`, { format });
export const checkSummary = (id: string, format: PaperFormat) => download(`${meeting(id)}/check-summary`, { format });
export const evaluation = (id: string) => get<Evaluation>(`${meeting(id)}/evaluation`);
export const writeEvaluation = (id: string, revision: number, text: EvaluationText) =>
  put<Evaluation>(`${meeting(id)}/evaluation`, { revision, ...text });
export const signEvaluation = (id: string) => post<Evaluation>(`${meeting(id)}/evaluation/signature`);

export const yearly = (year: number) => get<YearlyLine[]>(`/reports/yearly/${year}`, { limit: 1000 });
export const yearlyReport = (year: number, id: string) => get<YearlyReport>(agency(year, id));
export const writeYearly = (
  year: number,
  id: string,
  text: { revision: number; sections: Partial<Record<Section, string>>; signer: string; signer_position: string },
) => put<YearlyReport>(agency(year, id), text);
export const submitYearly = (year: number, id: string) => post<YearlyReport>(`${agency(year, id)}/submission`);
export const returnYearly = (year: number, id: string, remark: string) =>
  post<YearlyReport>(`${agency(year, id)}/return`, { remark });
export const yearlyPaper = (year: number, id: string, format: PaperFormat) =>
  download(`${agency(year, id)}/document`, { format });

export const rollup = (year: number, format: AnyFormat) => download(`/reports/yearly/${year}/rollup`, { format });
export const compliance = (since: string, until: string, format: AnyFormat) =>
  download('/reports/compliance', { since, until, format });
export const usage = (since: string, until: string) => get<Usage>('/reports/usage', { since, until });
export const usageWorkbook = (since: string, until: string) => download('/reports/usage/workbook', { since, until });
