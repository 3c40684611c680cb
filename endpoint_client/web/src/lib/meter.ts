// Loudness of a microphone track, outside the framework: one reading per animation frame.

let shared: AudioContext | null = null;

function context(): AudioContext {
  if (!shared) {
    shared = new AudioContext();
    const wake = () => void shared?.resume();
    addEventListener('pointerdown', wake);
    addEventListener('keydown', wake);
  }
  return shared;
}

/** Call `listen` with dBFS (-100…0), or null while the browser has not let us measure yet; returns how to stop. */
export function meter(track: MediaStreamTrack, listen: (dbfs: number | null) => void): () => void {
  const audio = context();
  const source = audio.createMediaStreamSource(new MediaStream([track]));
  const analyser = audio.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let frame = 0;
  const read = () => {
    frame = requestAnimationFrame(read);
    if (audio.state !== 'running') {
      listen(null);
      return;
    }
    analyser.getFloatTimeDomainData(samples);
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    listen(Math.max(-100, 10 * Math.log10(sum / samples.length + 1e-10)));
  };
  read();
  return () => {
    cancelAnimationFrame(frame);
    source.disconnect();
  };
}

/** Where on a bar (0–1) a level belongs: -60 dB and less is empty, -6 dB is full. */
export function onBar(db: number): number {
  return Math.min(1, Math.max(0, (db + 60) / 54));
}
