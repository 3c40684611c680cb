import type { Hint } from './protocol';

/** What `RTCRtpEncodingParameters` must say so that no more is sent than is shown.
 *
 * The MCU asks for at most `hint.width` x `hint.height`; the capture may be smaller or of another shape, so the larger
 * of both ratios counts and nothing is ever scaled up. An unknown capture size (0) is sent as it is. */
export function encodingFor(
  hint: Hint,
  capture: { width: number; height: number },
): Pick<RTCRtpEncodingParameters, 'active' | 'scaleResolutionDownBy' | 'maxFramerate' | 'maxBitrate'> {
  if (!hint.active) return { active: false };
  const ratio =
    hint.width > 0 && hint.height > 0 ? Math.min(capture.width / hint.width, capture.height / hint.height) : 1;
  return {
    active: true,
    scaleResolutionDownBy: Math.max(1, ratio || 1),
    ...(hint.frame_rate > 0 && { maxFramerate: hint.frame_rate }),
    ...(hint.bitrate_bps > 0 && { maxBitrate: hint.bitrate_bps }),
  };
}
