// Camera, microphone and loudspeaker of this computer: choosing, capturing, losing and finding them again.

import { recall, remember } from './remember';

export type Kind = 'camera' | 'microphone';
/** Why a device cannot be used; the pages have advice for each. */
export type Trouble = 'denied' | 'missing' | 'busy' | 'insecure' | 'lost' | 'other';

const INPUT = { camera: 'videoinput', microphone: 'audioinput' } as const;

export class Capture {
  /** Does the user want to send it?  A microphone that is off stays captured, for the meter; a camera does not. */
  wanted = $state(true);
  track = $state.raw<MediaStreamTrack | null>(null);
  trouble = $state<Trouble | null>(null);
  opening = $state(false);
  device = $state('');

  constructor(readonly kind: Kind) {
    this.device = recall(`device.${kind}`) ?? '';
    this.wanted = recall(`use.${kind}`) !== 'no';
  }

  get sending(): MediaStreamTrack | null {
    return this.wanted ? this.track : null;
  }

  constraints(exact: boolean): MediaTrackConstraints {
    const device: MediaTrackConstraints =
      this.device && exact ? { deviceId: { exact: this.device } } : this.device ? { deviceId: this.device } : {};
    return this.kind === 'camera'
      ? { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } }
      : { ...device, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  }
}

export class Devices {
  readonly camera = new Capture('camera');
  readonly microphone = new Capture('microphone');
  available = $state.raw<MediaDeviceInfo[]>([]);
  speaker = $state(recall('device.speaker') ?? '');
  readonly canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;
  readonly usable = window.isSecureContext && !!navigator.mediaDevices?.getUserMedia;

  /** Told whenever what should be sent has changed. */
  onchange: (kind: Kind) => void = () => undefined;

  constructor() {
    if (!this.usable) {
      this.camera.trouble = this.microphone.trouble = 'insecure';
      return;
    }
    navigator.mediaDevices.addEventListener('devicechange', () => void this.#changed());
  }

  list(kind: MediaDeviceKind): MediaDeviceInfo[] {
    return this.available.filter((device) => device.kind === kind && device.deviceId !== '');
  }

  /** Open what is wanted: both in one question to the user, each alone if that fails. */
  async start(): Promise<void> {
    if (!this.usable) return;
    const kinds = [this.camera, this.microphone].filter((capture) => capture.wanted && !capture.track);
    if (kinds.length === 2) {
      kinds.forEach((capture) => (capture.opening = true));
      try {
        const stream = await navigator.mediaDevices.getUserMedia({
          video: this.camera.constraints(false),
          audio: this.microphone.constraints(false),
        });
        this.#adopt(this.camera, stream.getVideoTracks()[0]);
        this.#adopt(this.microphone, stream.getAudioTracks()[0]);
      } catch (error) {
        // One missing, busy or blocked device fails both: ask for each, but never repeat a question just refused.
        const refused = troubleOf(error) === 'denied';
        for (const capture of kinds) {
          capture.opening = false;
          if (refused && !(await allowed(capture.kind))) capture.trouble = 'denied';
          else await this.#open(capture);
        }
      } finally {
        kinds.forEach((capture) => (capture.opening = false));
      }
    } else {
      for (const capture of kinds) await this.#open(capture);
    }
    for (const { kind } of kinds) this.onchange(kind); // the meeting may have been joined, or come back to, meanwhile
    await this.refresh();
  }

  async turn(kind: Kind, on: boolean): Promise<void> {
    const capture = this[kind];
    capture.wanted = on;
    remember(`use.${kind}`, on ? null : 'no');
    if (on && !capture.track) await this.#open(capture);
    else if (!on && kind === 'camera') this.#drop(capture); // its light goes out
    if (!on) capture.trouble = this.usable ? null : 'insecure';
    this.onchange(kind);
  }

  /** Go on without a device that cannot be had; asked for again when the user turns it on. */
  without(kind: Kind): void {
    this[kind].wanted = false;
    this[kind].trouble = null;
  }

  async choose(kind: Kind, device: string): Promise<void> {
    const capture = this[kind];
    capture.device = device;
    remember(`device.${kind}`, device || null);
    if (!capture.wanted) return;
    this.#drop(capture); // many drivers cannot open a device twice
    await this.#open(capture);
    this.onchange(kind);
  }

  chooseSpeaker(device: string): void {
    this.speaker = device;
    remember('device.speaker', device || null);
  }

  /** Close everything; `start` opens it again. */
  stop(): void {
    this.#drop(this.camera);
    this.#drop(this.microphone);
  }

  async refresh(): Promise<void> {
    try {
      this.available = await navigator.mediaDevices.enumerateDevices();
    } catch {
      this.available = [];
    }
  }

  async #open(capture: Capture): Promise<void> {
    if (!this.usable || capture.opening) return;
    capture.opening = true;
    try {
      capture.trouble = null;
      this.#adopt(capture, await this.#ask(capture, true));
    } catch (error) {
      const trouble = troubleOf(error);
      try {
        if (!capture.device || trouble === 'denied') throw error;
        this.#adopt(capture, await this.#ask(capture, false)); // the remembered device is gone: take another
      } catch (again) {
        capture.trouble = troubleOf(again);
      }
    } finally {
      capture.opening = false;
    }
    await this.refresh();
  }

  async #ask(capture: Capture, exact: boolean): Promise<MediaStreamTrack | undefined> {
    const wish = capture.constraints(exact);
    const stream = await navigator.mediaDevices.getUserMedia(
      capture.kind === 'camera' ? { video: wish } : { audio: wish },
    );
    return stream.getTracks()[0];
  }

  #adopt(capture: Capture, track: MediaStreamTrack | undefined): void {
    if (!track) return;
    capture.track?.stop();
    capture.track = track;
    capture.trouble = null;
    track.contentHint = capture.kind === 'camera' ? 'motion' : 'speech';
    track.onended = () => {
      if (capture.track !== track) return;
      capture.track = null;
      capture.trouble = 'lost';
      this.onchange(capture.kind);
      void this.#changed();
    };
  }

  #drop(capture: Capture): void {
    if (!capture.track) return;
    capture.track.onended = null;
    capture.track.stop();
    capture.track = null;
  }

  /** A device came or went: find a replacement for one that is wanted but gone. */
  async #changed(): Promise<void> {
    await this.refresh();
    for (const capture of [this.camera, this.microphone]) {
      const replaceable = capture.trouble === 'lost' || capture.trouble === 'missing';
      if (!capture.wanted || capture.track || !replaceable || !this.list(INPUT[capture.kind]).length) continue;
      await this.#open(capture);
      if (capture.track) this.onchange(capture.kind);
    }
  }
}

export function troubleOf(error: unknown): Trouble {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'other';
  }
}

/** May we ask for this kind without the browser refusing at once?  Unknown counts as no. */
async function allowed(kind: Kind): Promise<boolean> {
  try {
    const status = await navigator.permissions.query({ name: kind as PermissionName });
    return status.state === 'granted';
  } catch {
    return false;
  }
}
