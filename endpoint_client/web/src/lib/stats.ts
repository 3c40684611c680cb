// getStats() → the numbers of a `quality` message and a mark from 1 (poor) to 3 (good).

import type { Quality, Reported } from './protocol';

/** Counters of the last reading; `QualityMeter.read` reports what happened since. */
interface Counters {
  at: number; // ms
  bytes: number;
  received: number;
  lost: number;
  freezes: number | null; // not every browser counts them
}

export class QualityMeter {
  lostDownwards = 0; // share of the packets towards us, at the last reading
  #last: Counters | null = null;

  read(report: RTCStatsReport): Quality {
    const now: Counters = { at: performance.now(), bytes: 0, received: 0, lost: 0, freezes: null };
    const quality: Quality = {
      freezes: null,
      fps: 0,
      width: 0,
      height: 0,
      lost: 0,
      jitter_ms: 0,
      rtt_ms: 0,
      kbps: 0,
    };
    let lostUpwards = 0;
    report.forEach((entry) => {
      if (entry.type === 'inbound-rtp') {
        now.bytes += entry.bytesReceived ?? 0;
        now.received += entry.packetsReceived ?? 0;
        now.lost += Math.max(0, entry.packetsLost ?? 0);
        quality.jitter_ms = Math.max(quality.jitter_ms, (entry.jitter ?? 0) * 1000);
        if (entry.kind === 'video') {
          if (entry.freezeCount !== undefined) now.freezes = (now.freezes ?? 0) + entry.freezeCount;
          quality.fps = entry.framesPerSecond ?? 0;
          quality.width = entry.frameWidth ?? 0;
          quality.height = entry.frameHeight ?? 0;
        }
      } else if (entry.type === 'remote-inbound-rtp') {
        lostUpwards = Math.max(lostUpwards, entry.fractionLost ?? 0);
      } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
        quality.rtt_ms = (entry.currentRoundTripTime ?? 0) * 1000;
      }
    });
    const last = this.#last;
    this.#last = now;
    if (last && now.at > last.at && now.bytes >= last.bytes) {
      const lost = Math.max(0, now.lost - last.lost);
      const all = lost + now.received - last.received;
      quality.kbps = Math.round(((now.bytes - last.bytes) * 8) / (now.at - last.at));
      quality.lost = all > 0 ? lost / all : 0;
      this.lostDownwards = quality.lost;
      if (now.freezes !== null) quality.freezes = Math.max(0, now.freezes - (last.freezes ?? 0));
    }
    quality.lost = round(Math.min(1, Math.max(quality.lost, lostUpwards)), 4);
    quality.jitter_ms = round(quality.jitter_ms, 1);
    quality.rtt_ms = round(quality.rtt_ms, 1);
    quality.fps = round(quality.fps, 1);
    return quality;
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export type Mark = 0 | 1 | 2 | 3; // 0 = nothing measured

/** 3 good, 2 fair, 1 poor: loss and delay as a listener notices them (ITU-T G.114 for the delay). */
export function mark(quality: Reported | null | undefined): Mark {
  if (!quality) return 0;
  const lost = Math.max(quality.lost ?? 0, quality.lost_fraction ?? 0, quality.peer_lost_fraction ?? 0);
  const rtt = quality.rtt_ms ?? 0;
  const freezes = quality.freezes ?? 0;
  if (lost > 0.08 || rtt > 400 || freezes > 1) return 1;
  if (lost > 0.02 || rtt > 200 || freezes > 0) return 2;
  return 3;
}
