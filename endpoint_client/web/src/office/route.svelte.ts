// Where we are: `#/bookings/b-1?state=draft` is section "bookings", path ["b-1"], query state=draft.

class Route {
  #hash = $state(location.hash);

  constructor() {
    addEventListener('hashchange', () => (this.#hash = location.hash));
  }

  get #parts(): string[] {
    const [path = ''] = this.#hash.replace(/^#\/?/, '').split('?');
    return path.split('/').filter(Boolean).map(decoded);
  }

  get section(): string {
    return this.#parts[0] ?? '';
  }

  get path(): string[] {
    return this.#parts.slice(1);
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.#hash.split('?')[1] ?? '');
  }
}

export const route = new Route();

/** The address of a page: `href('bookings', id)` is "#/bookings/b-1". */
export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join('/')}`;
}

export function go(...parts: string[]): void {
  location.hash = href(...parts);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
