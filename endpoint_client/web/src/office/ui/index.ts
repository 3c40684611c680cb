// The common parts of the office's pages.

export { default as CheckField } from './CheckField.svelte';
export { default as DataTable, type Column, type Sort } from './DataTable.svelte';
export { default as DateField } from './DateField.svelte';
export { default as DateTimeField } from './DateTimeField.svelte';
export { default as Dialog } from './Dialog.svelte';
export { default as EmptyState } from './EmptyState.svelte';
export { default as Field } from './Field.svelte';
export { default as Notice } from './Notice.svelte';
export { default as NumberField } from './NumberField.svelte';
export { default as PageHeader } from './PageHeader.svelte';
export { default as SearchField } from './SearchField.svelte';
export { default as SelectField } from './SelectField.svelte';
export { default as StateChip } from './StateChip.svelte';
export { default as Tabs } from './Tabs.svelte';
export { default as TextField } from './TextField.svelte';
export * from './dates';
export { Doing, Loaded } from './loaded.svelte';
export { pick, type Sentence } from './texts';
