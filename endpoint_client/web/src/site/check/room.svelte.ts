// The private test room: wait for it, send marks and the camera through the MCU, find them again, measure the line.

import { socketUrl } from '../../lib/api';
import { language } from '../../lib/i18n.svelte';
import { Seat } from '../../lib/seat.svelte';
import * as api from './api';
import { find, RATE, signal } from './chirps';
import { pause, playing } from './devices';
import { LineMeter } from './line';
import workletUrl from './loop-worklet.js?url';
import { Eye, match, type Look } from './pictures';

const MARKS = 5;
const JOIN_MS = 20_000;
const LOOK_MS = 66;
const LINE_MS = 9500;

export type Phase = 'asking' | 'waiting' | 'joining' | 'measuring' | 'done';
export interface Loops {
  sound_loop?: api.SoundLoopMeasured;
  picture_loop: api.PictureLoopMeasured;
  line?: api.LineMeasured;
}

export class TestRoom {
  phase = $state<Phase>('asking');
  place = $state(0);
  progress = $state(0); // 0…1 of the measurement
  stream = $state.raw<MediaStream | null>(null);
  #seat: Seat | null = null;
  #stopped = false;
  #asking: ReturnType<typeof setInterval> | undefined;

  constructor(
    readonly token: string,
    readonly camera: () => MediaStreamTrack | null,
  ) {}

  /** All of it. Raises ApiError when the server refuses, Error when the room cannot be entered. */
  async run(): Promise<Loops> {
    const roomToken = await this.#turn();
    this.#asking = setInterval(() => void api.room(this.token).catch(() => undefined), 5000); // keeps the room
    this.phase = 'joining';
    const audio = typeof AudioContext === 'undefined' ? null : new AudioContext({ sampleRate: RATE });
    try {
      await audio?.resume();
      const out = audio?.createMediaStreamDestination() ?? null;
      const seat = (this.#seat = this.#sit(roomToken, out?.stream.getAudioTracks()[0] ?? null));
      await this.#joined(seat);
      this.phase = 'measuring';
      this.stream = seat.stream;
      return await this.#measure(seat, audio, out);
    } finally {
      void audio?.close();
      this.phase = 'done';
    }
  }

  /** Leave the room and give it to the next site. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#asking);
    this.#seat?.leave();
    this.#seat = null;
    this.stream = null;
    void api.leave(this.token).catch(() => undefined);
  }

  async #turn(): Promise<string> {
    for (;;) {
      const turn = await api.room(this.token);
      if (this.#stopped) throw new Error('stopped');
      if (turn.state === 'ready' && turn.token) return turn.token;
      this.phase = 'waiting';
      this.place = turn.place;
      await pause(Math.min(turn.ask_again, 10) * 1000);
      if (this.#stopped) throw new Error('stopped');
    }
  }

  #sit(token: string, microphone: MediaStreamTrack | null): Seat {
    const seat = new Seat({
      kind: 'site',
      url: socketUrl('/ws/v1/endpoint'),
      token,
      language,
      tracks: () => ({ microphone, camera: this.camera(), screen: null }),
      own: () => ({ microphone: microphone !== null, camera: this.camera() !== null, screen: false }),
    });
    seat.join();
    return seat;
  }

  async #joined(seat: Seat): Promise<void> {
    const end = performance.now() + JOIN_MS;
    while (seat.media !== 'up') {
      if (this.#stopped) throw new Error('stopped');
      if (seat.refusal) throw new Error(language() === 'vi' ? seat.refusal.vi : seat.refusal.en);
      if (performance.now() > end) throw new Error('no_media');
      await pause(100);
    }
  }

  async #measure(seat: Seat, audio: AudioContext | null, out: MediaStreamAudioDestinationNode | null): Promise<Loops> {
    const back = document.createElement('video'); // also makes the browser decode the sound
    back.muted = true;
    back.playsInline = true;
    back.srcObject = seat.stream;
    void back.play().catch(() => undefined);
    const camera = this.camera();
    const own = camera ? await playing(camera) : null;
    const meter = new LineMeter();
    await pause(1500); // until rates have settled
    const sound = audio && out && seat.stream ? loop(audio, seat.stream, out).catch(noLoop) : Promise.resolve(undefined);
    const eye = new Eye();
    const [mine, returned]: [Look[], Look[]] = [[], []];
    const before = performance.now();
    for (let tick = 0; performance.now() - before < LINE_MS && !this.#stopped; tick++) {
      if (tick % 15 === 0) {
        const report = await seat.stats();
        if (report) meter.read(report);
      }
      const [one, other] = [own && eye.look(own), eye.look(back)];
      const at = performance.now();
      if (one) mine.push({ at, thumb: one });
      if (other && at - before > 2000) returned.push({ at, thumb: other });
      this.progress = Math.min(1, (at - before) / LINE_MS);
      await pause(LOOK_MS);
    }
    const report = await seat.stats();
    if (report) meter.read(report);
    const { alike, delay_ms } = match(mine, returned);
    const picture = meter.picture;
    const found: Loops = {
      picture_loop: {
        returned: picture.frame_rate > 0 && (alike === null || alike > 0.4),
        alike: alike === null ? null : Number(alike.toFixed(3)),
        delay_ms,
        ...picture,
      },
    };
    const soundLoop = await sound;
    if (soundLoop) found.sound_loop = soundLoop;
    const line = meter.result();
    if (line) found.line = line;
    back.srcObject = null;
    if (own) own.srcObject = null;
    return found;
  }
}

function noLoop(error: unknown): undefined {
  console.warn('no sound loop:', error);
  return undefined;
}

/** Send chirps to the MCU and look for them in what it returns. */
async function loop(
  audio: AudioContext,
  returned: MediaStream,
  out: MediaStreamAudioDestinationNode,
): Promise<api.SoundLoopMeasured> {
  await audio.audioWorklet.addModule(workletUrl);
  const node = new AudioWorkletNode(audio, 'loop', { numberOfInputs: 1, numberOfOutputs: 1, outputChannelCount: [1] });
  const source = audio.createMediaStreamSource(new MediaStream(returned.getAudioTracks()));
  source.connect(node);
  node.connect(out);
  const { samples, starts, length } = signal(MARKS);
  const heard = new Promise<Float32Array>((done) => {
    node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => done(data);
  });
  node.port.postMessage({ signal: samples, length });
  const late = pause((length / RATE) * 1000 + 5000).then(() => null);
  const recorded = await Promise.race([heard, late]);
  source.disconnect();
  node.disconnect();
  return recorded ? find(recorded, starts) : { sent: starts.length, found: 0, delay_ms: null, level_db: null };
}
