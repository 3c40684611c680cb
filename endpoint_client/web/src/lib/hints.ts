import type { Hint } from './protocol';

/** The largest picture the MCU decodes; more is never sent, with or without a hint. */
export const LARGEST = { width: 1920, height: 1080 };

/** What `RTCRtpEncodingParameters` must say so that no more is sent than is shown.
 *
 * The MCU asks for at most `hint.width` x `hint.height` (0: as large as allowed); the capture may be smaller or of
 * another shape, so the larger of both ratios counts and nothing is ever scaled up. An unknown capture size (0) is sent
 * as it is. Without a hint only `LARGEST` counts. */
export function encodingFor(
  hint: Hint | undefined,
  capture: { width: number; height: number },
): Pick<RTCRtpEncodingParameters, 'active' | 'scaleResolutionDownBy' | 'maxFramerate' | 'maxBitrate'> {
  if (hint && !hint.active) return { active: false };
  const width = Math.min(hint?.width || LARGEST.width, LARGEST.width);
  const height = Math.min(hint?.height || LARGEST.height, LARGEST.height);
  return {
    active: true,
    scaleResolutionDownBy: Math.max(1, capture.width / width, capture.height / height),
    ...(hint && hint.frame_rate > 0 && { maxFramerate: hint.frame_rate }),
    ...(hint && hint.bitrate_bps > 0 && { maxBitrate: hint.bitrate_bps }),
  };
}
