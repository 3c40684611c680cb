// One RTCPeerConnection to the MCU: audio, camera and screen m-lines in the order of signaling/protocol.md, offered
// once; later changes by replaceTrack and setParameters only.
//
// No trickle: the MCU is ICE-lite, learns the address from the checks and never needs our candidates.

import { encodingFor } from './hints';
import type { Hint, HintedTrack } from './protocol';

export type Source = 'microphone' | HintedTrack;

export interface LegEvents {
  state(state: RTCPeerConnectionState): void;
}

export class Leg {
  readonly stream = new MediaStream(); // what the MCU sends: one audio and one video track
  readonly #pc: RTCPeerConnection;
  readonly #senders = new Map<Source, RTCRtpSender>();
  readonly #hints = new Map<HintedTrack, Hint>();
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
  }

  /** Send `track` from now on, or nothing. */
  setTrack(source: Source, track: MediaStreamTrack | null): void {
    const sender = this.#senders.get(source);
    if (!sender) return;
    this.#queue(async () => {
      await sender.replaceTrack(track);
      if (source !== 'microphone') await this.#apply(source);
    });
  }

  hint(hint: Hint): void {
    this.#hints.set(hint.track, hint);
    this.#queue(() => this.#apply(hint.track));
  }

  stats(): Promise<RTCStatsReport> {
    return this.#pc.getStats();
  }

  close(): void {
    this.#pc.onconnectionstatechange = null;
    this.#pc.close();
  }

  async #apply(source: HintedTrack): Promise<void> {
    const sender = this.#senders.get(source);
    const hint = this.#hints.get(source);
    if (!sender || !hint) return;
    const settings = sender.track?.getSettings();
    const parameters = sender.getParameters();
    const encoding = parameters.encodings[0];
    if (!encoding) return; // nothing negotiated yet; applied again with the next track or hint
    delete encoding.maxBitrate;
    delete encoding.maxFramerate;
    Object.assign(encoding, encodingFor(hint, { width: settings?.width ?? 0, height: settings?.height ?? 0 }));
    await sender.setParameters(parameters);
  }

  #queue(job: () => Promise<void>): void {
    this.#work = this.#work.then(job).catch((error: unknown) => {
      if (this.#pc.signalingState !== 'closed') console.warn('sender not changed:', error);
    });
  }
}
