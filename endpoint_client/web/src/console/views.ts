// The views of a conference, as people call them.

import type { ConferenceState } from '../lib/api';
import type { SharedView, View } from '../lib/protocol';
import type { Messages } from '../messages/vi';

export const SHARED: readonly SharedView[] = ['programme', 'chair', 'wall'];

export function isShared(view: View): view is SharedView {
  return SHARED.includes(view as SharedView);
}

/** The shared views, then those that single sites have of their own. */
export function viewsOf(state: ConferenceState): View[] {
  return (Object.keys(state.views) as View[]).sort((a, b) => order(a) - order(b));
}

export function viewTitle(view: View, state: ConferenceState, messages: Messages): string {
  const text = messages.console.picture;
  if (isShared(view)) return text.views[view];
  const site = state.sites.find((other) => personalView(other.number) === view);
  return text.own(site?.name ?? view);
}

export function personalView(number: number): View {
  return `site:${number}`;
}

function order(view: View): number {
  return isShared(view) ? SHARED.indexOf(view) : SHARED.length + Number(view.split(':')[1]);
}
