/** Is this key press meant for the page, not for a field, a dialog, a browser shortcut or an input method? */
export function isShortcut(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === 'Process' || event.key === 'Unidentified') return false; // Vietnamese input methods
  const target = event.target;
  if (!(target instanceof Element)) return true;
  if (document.querySelector('dialog[open]')) return false;
  const field = target.closest('input, textarea, select, [contenteditable="true"]');
  return !field || (field instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(field.type));
}
