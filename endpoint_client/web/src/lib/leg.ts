// One RTCPeerConnection to the MCU: audio, camera and screen m-lines in the order of signaling/protocol.md, offered
// once; later changes by replaceTrack and setParameters only.
//
// No trickle: the MCU is ICE-lite, learns the address from the checks and never needs our candidates.

import { encodingFor, LARGEST } from './hints';
import type { Hint, HintedTrack as Source } from './protocol';

export type { Source };

export interface LegEvents {
  state(state: RTCPeerConnectionState): void;
}

export class Leg {
  readonly stream = new MediaStream(); // what the MCU sends: one audio and one video track
  readonly #pc: RTCPeerConnection;
  readonly #senders = new Map<Source, RTCRtpSender>();
  readonly #hints = new Map<Source, Hint>();
  readonly #sizes = new Map<Source, string>(); // of the captures when their encodings were last set
  #work: Promise<unknown> = Promise.resolve(); // sender changes one after another

  constructor(kind: 'site' | 'monitor', events: LegEvents) {
    const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: [] });
    this.#pc = pc;
    const audio = pc.addTransceiver('audio', { direction: kind === 'site' ? 'sendrecv' : 'recvonly' });
    const camera = pc.addTransceiver('video', { direction: kind === 'site' ? 'sendrecv' : 'recvonly' });
    this.stream.addTrack(audio.receiver.track);
    this.stream.addTrack(camera.receiver.track);
    if (kind === 'site') {
      const screen = pc.addTransceiver('video', { direction: 'sendonly' });
      this.#senders.set('microphone', audio.sender).set('camera', camera.sender).set('screen', screen.sender);
    }
    pc.onconnectionstatechange = () => events.state(pc.connectionState);
  }

  get connected(): boolean {
    return this.#pc.connectionState === 'connected';
  }

  /** The SDP to send; with `restart` the same m-lines with new ICE credentials. */
  async offer(restart = false): Promise<string> {
    const offer = await this.#pc.createOffer({ iceRestart: restart });
    await this.#pc.setLocalDescription(offer);
    return this.#pc.localDescription?.sdp ?? '';
  }

  async answer(sdp: string): Promise<void> {
    if (this.#pc.signalingState !== 'have-local-offer') return; // an answer to an offer already given up
    await this.#pc.setRemoteDescription({ type: 'answer', sdp });
    for (const source of this.#hints.keys()) this.#queue(() => this.#apply(source)); // lost if set while negotiating
  }

  /** Send `track` from now on, or nothing. */
  setTrack(source: Source, track: MediaStreamTrack | null): void {
    const sender = this.#senders.get(source);
    if (!sender) return;
    this.#queue(async () => {
      await sender.replaceTrack(track);
      await this.#apply(source);
    });
  }

  hint(hint: Hint): void {
    this.#hints.set(hint.track, hint);
    this.#queue(() => this.#apply(hint.track));
  }

  /** Set the encodings anew whose capture has changed its size (a resized window, a turned telephone). */
  fit(): void {
    for (const source of ['camera', 'screen'] as const) {
      const track = this.#senders.get(source)?.track;
      if (track && sizeOf(track).join() !== this.#sizes.get(source)) this.#queue(() => this.#apply(source));
    }
  }

  /** Let picture and sound wait `ms` before they are played; null: as the browser likes. Both alike: lips stay right. */
  wait(ms: number | null): void {
    for (const { receiver } of this.#pc.getTransceivers()) {
      if (receiver.track.readyState === 'live' && 'jitterBufferTarget' in receiver) receiver.jitterBufferTarget = ms;
    }
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  close(): void {
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  async #apply(source: Source): Promise<void> {
    const sender = this.#senders.get(source);
    if (!sender) return;
    const [width, height] = sizeOf(sender.track);
    const hint = this.#hints.get(source);
    const sound = source === 'microphone';
    if (!hint && width <= LARGEST.width && height <= LARGEST.height) return; // sent as it is
    const parameters = sender.getParameters();
    const encoding = parameters.encodings[0];
    if (!encoding) return; // nothing negotiated yet; applied again with the next track or hint
    delete encoding.maxBitrate;
    delete encoding.maxFramerate;
    Object.assign(encoding, sound ? { active: !hint || hint.active } : encodingFor(hint, { width, height }));
    await sender.setParameters(parameters);
    this.#sizes.set(source, `${width},${height}`);
  }

  #queue(job: () => Promise<void>): void {
    this.#work = this.#work.then(job).catch((error: unknown) => {
      if (this.#pc.signalingState !== 'closed') console.warn('sender not changed:', error);
    });
  }
}

function sizeOf(track: MediaStreamTrack | null): [width: number, height: number] {
  const { width = 0, height = 0 } = track?.getSettings() ?? {};
  return [width, height];
}
