// getStats() over some seconds → loss, jitter, round trip and rates of the line.

import { middle, round } from './chirps';
import type { LineMeasured } from './api';

interface Reading {
  at: number; // ms
  received: number;
  lostDown: number;
  bytesDown: number;
  sent: number;
  lostUp: number;
  bytesUp: number;
  frames: number;
  width: number;
  height: number;
}

export class LineMeter {
  #first: Reading | null = null;
  #last: Reading | null = null;
  #jitter: number[] = [];
  #trips: number[] = [];
  #room: number | null = null; // kbit/s

  read(report: RTCStatsReport): void {
    const now: Reading = {
      at: performance.now(),
      received: 0,
      lostDown: 0,
      bytesDown: 0,
      sent: 0,
      lostUp: 0,
      bytesUp: 0,
      frames: 0,
      width: 0,
      height: 0,
    };
    let jitter = 0;
    report.forEach((entry) => {
      if (entry.type === 'inbound-rtp') {
        now.received += entry.packetsReceived ?? 0;
        now.lostDown += Math.max(0, entry.packetsLost ?? 0);
        now.bytesDown += entry.bytesReceived ?? 0;
        jitter = Math.max(jitter, (entry.jitter ?? 0) * 1000);
        if (entry.kind === 'video') {
          now.frames = entry.framesDecoded ?? 0;
          now.width = entry.frameWidth ?? 0;
          now.height = entry.frameHeight ?? 0;
        }
      } else if (entry.type === 'outbound-rtp') {
        now.sent += entry.packetsSent ?? 0;
        now.bytesUp += entry.bytesSent ?? 0;
      } else if (entry.type === 'remote-inbound-rtp') {
        now.lostUp += Math.max(0, entry.packetsLost ?? 0);
        jitter = Math.max(jitter, (entry.jitter ?? 0) * 1000);
      } else if (entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded') {
        if (entry.currentRoundTripTime !== undefined) this.#trips.push(entry.currentRoundTripTime * 1000);
        if (entry.availableOutgoingBitrate) {
          this.#room = Math.max(this.#room ?? 0, entry.availableOutgoingBitrate / 1000);
        }
      }
    });
    this.#jitter.push(jitter);
    this.#first ??= now;
    this.#last = now;
  }

  get seconds(): number {
    return this.#first && this.#last ? (this.#last.at - this.#first.at) / 1000 : 0;
  }

  get picture(): { frame_rate: number; width: number; height: number } {
    const [first, last] = [this.#first, this.#last];
    const frames = first && last ? last.frames - first.frames : 0;
    return {
      frame_rate: round(Math.max(0, frames) / Math.max(this.seconds, 0.1), 1),
      width: last?.width ?? 0,
      height: last?.height ?? 0,
    };
  }

  result(): LineMeasured | null {
    const [first, last] = [this.#first, this.#last];
    if (!first || !last || this.seconds < 1) return null;
    const share = (lost: number, all: number) => (all > 0 ? round(Math.min(1, Math.max(0, lost / all)), 4) : 0);
    const lostDown = Math.max(0, last.lostDown - first.lostDown);
    const rate = (bytes: number) => round(Math.max(0, bytes * 8) / 1000 / this.seconds, 1);
    return {
      seconds: round(this.seconds, 1),
      loss_down: share(lostDown, last.received - first.received + lostDown),
      loss_up: share(last.lostUp - first.lostUp, last.sent - first.sent),
      jitter_ms: round(middle(this.#jitter), 1),
      rtt_ms: round(middle(this.#trips), 1),
      up_kbps: rate(last.bytesUp - first.bytesUp),
      down_kbps: rate(last.bytesDown - first.bytesDown),
      up_room_kbps: this.#room === null ? null : round(this.#room, 0),
    };
  }
}
