/** Copy the text an element shows. Without https the browser has no clipboard for pages: then the text is selected, so
    that Ctrl+C copies it. Returns whether it was copied. */
export async function copyText(element: HTMLElement): Promise<boolean> {
  const field = element instanceof HTMLInputElement ? element : null;
  try {
    await navigator.clipboard.writeText(field?.value ?? element.textContent ?? '');
    return true;
  } catch {
    if (field) {
      field.focus();
      field.select();
    } else {
      getSelection()?.selectAllChildren(element);
    }
    return false;
  }
}
