/** Lower case without marks, so that "bac ninh" finds "Bắc Ninh" and "duong" finds "Đường". */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').replace(/[đĐ]/g, 'd').toLowerCase();
}
