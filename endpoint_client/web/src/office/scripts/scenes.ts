// Scenes as the editor handles them. Pure.

import type { Layout } from '../../lib/api';
import type { Cell, Scene, SceneView } from './api';

let made = 0;

/** A scene with a key of the page's own, so that the list keeps its rows while they move. */
export interface Draft extends Scene {
  key: string;
}

export function draftOf(scene: Scene): Draft {
  return { ...structuredClone(scene), key: `k${++made}` };
}

export function emptyScene(title: string): Draft {
  return {
    key: `k${++made}`,
    id: null,
    title,
    agenda: '',
    minutes: 0,
    podium: null,
    views: [],
    audio: 'open',
    heard: [],
    speakers: [],
    presets: [],
    note: '',
  };
}

/** What the server is sent. */
export function sceneOf({ key: _key, ...scene }: Draft): Scene {
  return scene;
}

/** The list with one entry moved by `by` places; the same list when it cannot go there. */
export function moved<T>(list: readonly T[], from: number, by: number): T[] {
  const to = from + by;
  const copy = [...list];
  const [one] = to < 0 || to >= list.length ? [] : copy.splice(from, 1);
  if (one !== undefined) copy.splice(to, 0, one);
  return copy;
}

/** How many cells can be filled: those of the layout, or a few of an automatic one. */
export function cellsOf(layout: Layout | undefined): number {
  return layout ? layout.cells.length : 6;
}

/** The view with one cell filled by `what`; null gives it back to automatic filling. */
export function filled(view: SceneView, cell: number, what: Omit<Cell, 'cell'> | null): SceneView {
  const cells = view.cells.filter((one) => one.cell !== cell);
  if (what) cells.push({ cell, ...what });
  return { ...view, cells: cells.sort((a, b) => a.cell - b.cell) };
}
