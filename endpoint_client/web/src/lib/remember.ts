// Small settings of this browser.  Storage may be forbidden (kiosk, private window): then nothing is kept.

export function recall(key: string, store: 'localStorage' | 'sessionStorage' = 'localStorage'): string | null {
  try {
    return window[store].getItem(`mcu.${key}`);
  } catch {
    return null;
  }
}

export function remember(
  key: string,
  value: string | null,
  store: 'localStorage' | 'sessionStorage' = 'localStorage',
): void {
  try {
    if (value === null) window[store].removeItem(`mcu.${key}`);
    else window[store].setItem(`mcu.${key}`, value);
  } catch {
    // not kept
  }
}
