/** Play three soft notes on the chosen loudspeaker; resolves when they have ended. */
export async function chime(sink: string): Promise<void> {
  const audio = new AudioContext();
  const out = audio.createMediaStreamDestination();
  [523.25, 659.25, 783.99].forEach((pitch, index) => {
    const at = audio.currentTime + 0.1 + index * 0.35;
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.04);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(gain).connect(out);
    tone.start(at);
    tone.stop(at + 0.65);
  });
  const player = new Audio();
  player.srcObject = out.stream;
  try {
    if (sink && 'setSinkId' in player) await player.setSinkId(sink).catch(() => undefined);
    await player.play();
    await new Promise((resolve) => setTimeout(resolve, 1600));
  } finally {
    player.srcObject = null;
    await audio.close();
  }
}
