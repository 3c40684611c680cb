// Measuring camera, microphone and loudspeaker of this computer, on what they really give.

import type { CameraMeasured, MicrophoneMeasured } from './api';
import { round } from './chirps';
import { contrast, differs, Eye, mean, type Thumb } from './pictures';

const MOST_STILL = 170_000; // bytes; the server takes 180,000

export const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** A silent video element that plays a track; it is in no document. */
export async function playing(track: MediaStreamTrack): Promise<HTMLVideoElement> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  await video.play().catch(() => undefined);
  return video;
}

/** Look at the camera's own pictures for some seconds. */
export async function measureCamera(track: MediaStreamTrack, seconds = 4): Promise<CameraMeasured> {
  const video = await playing(track);
  const eye = new Eye();
  const [bright, contrasts]: [number[], number[]] = [[], []];
  let last: Thumb | null = null;
  let changedAt = performance.now();
  let frozen = 0;
  const before = performance.now();
  const framesBefore = shown(video);
  while (performance.now() - before < seconds * 1000) {
    await pause(80);
    const thumb = eye.look(video);
    if (!thumb) continue;
    const now = performance.now();
    bright.push(mean(thumb));
    contrasts.push(contrast(thumb));
    if (!last || differs(thumb, last)) changedAt = now;
    frozen = Math.max(frozen, now - changedAt);
    last = thumb;
  }
  const passed = (performance.now() - before) / 1000;
  const frames = shown(video) - framesBefore;
  const { width, height } = { width: video.videoWidth, height: video.videoHeight };
  video.srcObject = null;
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  return {
    width,
    height,
    frame_rate: round(Math.max(0, frames) / passed, 1),
    brightness: round(average(bright), 1),
    contrast: round(average(contrasts), 1),
    frozen_s: round(frozen / 1000, 2),
    seconds: round(passed, 1),
  };
}

function shown(video: HTMLVideoElement): number {
  return video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
}

/** The picture of this moment as base64 JPEG, small enough to be kept. */
export async function still(track: MediaStreamTrack): Promise<string | null> {
  const video = await playing(track);
  for (let tries = 0; tries < 20 && !video.videoWidth; tries++) await pause(50);
  if (!video.videoWidth) return null;
  const scale = Math.min(1, 960 / video.videoWidth, 960 / video.videoHeight);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(2, Math.round(video.videoWidth * scale));
  canvas.height = Math.max(2, Math.round(video.videoHeight * scale));
  canvas.getContext('2d')?.drawImage(video, 0, 0, canvas.width, canvas.height);
  video.srcObject = null;
  for (const quality of [0.82, 0.6, 0.4, 0.2]) {
    const text = canvas.toDataURL('image/jpeg', quality).split(',')[1] ?? '';
    if (text && (text.length * 3) / 4 <= MOST_STILL) return text;
  }
  return null;
}

export interface Listening {
  /** Levels in dBFS of each 50 ms since the last call. */
  take: () => { levels: number[]; clipped: number; samples: number };
  stop: () => void;
}

/** Listen to a microphone track. Raises what the browser raises when it has no sound at all. */
export async function listen(track: MediaStreamTrack, tell?: (dbfs: number) => void): Promise<Listening> {
  const audio = new AudioContext();
  await audio.resume();
  const source = audio.createMediaStreamSource(new MediaStream([track]));
  const analyser = audio.createAnalyser();
  analyser.fftSize = 2048;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let [levels, clipped, count]: [number[], number, number] = [[], 0, 0];
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) {
      sum += sample * sample;
      if (Math.abs(sample) >= 0.99) clipped++;
    }
    count += samples.length;
    const level = Math.max(-100, 10 * Math.log10(sum / samples.length + 1e-10));
    levels.push(level);
    tell?.(level);
  }, 50);
  return {
    take: () => {
      const taken = { levels, clipped, samples: count };
      [levels, clipped, count] = [[], 0, 0];
      return taken;
    },
    stop: () => {
      clearInterval(timer);
      source.disconnect();
      void audio.close();
    },
  };
}

/** From a quiet stretch and a spoken one. */
export function microphoneOf(
  quiet: ReturnType<Listening['take']>,
  spoken: ReturnType<Listening['take']>,
): MicrophoneMeasured {
  const at = (values: number[], share: number) => {
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? -100;
  };
  return {
    speech_dbfs: round(at(spoken.levels, 0.9), 1),
    noise_dbfs: round(Math.min(at(quiet.levels, 0.5), at(spoken.levels, 0.1)), 1),
    clipped: round(spoken.clipped / Math.max(1, spoken.samples), 4),
    seconds: round((quiet.levels.length + spoken.levels.length) * 0.05, 1),
  };
}

/** Play so many beeps on the chosen loudspeaker; resolves when they have ended. */
export async function beep(count: number, sink: string): Promise<void> {
  const audio = new AudioContext();
  const out = audio.createMediaStreamDestination();
  for (let n = 0; n < count; n++) {
    const at = audio.currentTime + 0.3 + n * 0.6;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = 880;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.3, at + 0.02);
    gain.gain.setValueAtTime(0.3, at + 0.26);
    gain.gain.linearRampToValueAtTime(0, at + 0.3);
    tone.connect(gain).connect(out);
    tone.start(at);
    tone.stop(at + 0.32);
  }
  const player = new Audio();
  player.srcObject = out.stream;
  try {
    if (sink && 'setSinkId' in player) await player.setSinkId(sink).catch(() => undefined);
    await player.play();
    await pause(500 + count * 600);
  } finally {
    player.srcObject = null;
    await audio.close();
  }
}
