// A seat in a conference: the channel, the leg and the rules by which both come back.  The pages only read it.
//
// Media: connection "disconnected" for 3 s or "failed" → ICE restart; not back within 5 s → a new leg.  A new leg that
// does not connect within 10 s, or whose offer is refused, is tried again, later each time.
//
// An answer does not say to which offer it belongs, so only one offer is under way: the next waits for its reply, and a
// reply to a leg already given up is dropped.  No reply within 10 s → a new WebSocket, on which nothing is pending.

import { backoff } from './backoff';
import { Channel } from './channel';
import { Leg, type Source } from './leg';
import {
  CLIENT,
  VERSION,
  type ConferenceNews,
  type Cue,
  type FromMcu,
  type Hand,
  type Hello,
  type Hint,
  type IssueCategory,
  type IssueNews,
  type Language,
  type OwnState,
  type Quality,
  type Refusal,
  type Tally,
  type ToMcu,
  type View,
  type Welcome,
} from './protocol';
import { Patience } from './patience';
import { QualityMeter } from './stats';

const DISCONNECTED_MS = 3000;
const RESTART_MS = 5000;
const CONNECT_MS = 10_000;
const QUALITY_MS = 2000;
const NOTICE_MS = 8000;
const HEARD: Hint = { track: 'microphone', active: true, width: 0, height: 0, frame_rate: 0, bitrate_bps: 0 };
const ASKING_REFUSED = new Set(['too_often', 'queue_full', 'not_stored']);
const OFFER_REFUSED = new Set(['bad_offer', 'unsupported_codec', 'media_unavailable']);

/** An offer that has had neither an answer nor a refusal. */
interface Asked {
  leg: Leg;
  at: number; // ms
}

export type Phase = 'joining' | 'joined' | 'left' | 'refused';
export type Media = 'connecting' | 'up' | 'lost';

export interface SeatOptions {
  kind: 'site' | 'monitor';
  url: string;
  token: string;
  language: () => Language;
  /** Tracks to send when a leg is made anew; called again for each leg. */
  tracks?: () => Partial<Record<Source, MediaStreamTrack | null>>;
  own?: () => OwnState;
  /** The seat id to come back to after a reload, and where to keep it. */
  remembered?: string | undefined;
  remember?: (seat: string | null) => void;
}

export class Seat {
  phase = $state<Phase>('joining');
  /** Is the WebSocket up and the seat confirmed? */
  attached = $state(false);
  media = $state<Media>('connecting');
  welcome = $state.raw<Welcome | null>(null);
  tally = $state.raw<Tally | null>(null);
  news = $state.raw<ConferenceNews | null>(null);
  /** Name to write over the picture while it is one site's own. */
  plate = $state<string | null>(null);
  refusal = $state.raw<Refusal | null>(null);
  /** The last refusal that was not fatal; cleared when media is up again. */
  trouble = $state.raw<Refusal | null>(null);
  hand = $state.raw<Hand | null>(null);
  cue = $state.raw<Cue | null>(null);
  /** Our newest report of a problem. */
  issue = $state.raw<IssueNews | null>(null);
  /** Why the last request was not taken; for a few seconds. */
  notice = $state.raw<Refusal | null>(null);
  quality = $state.raw<Quality | null>(null);
  /** Connected, and yet no picture came for two readings: the MCU sends sound only. */
  pictureless = $state(false);
  stream = $state.raw<MediaStream | null>(null);

  readonly #options: SeatOptions;
  readonly #channel: Channel;
  #id: string | undefined;
  #leg: Leg | null = null;
  #asked: Asked | null = null;
  #held: { leg: Leg; restart: boolean } | null = null; // to be offered after the reply
  #hints = new Map<string, Hint>();
  #attempt = 0;
  #mediaTimer: ReturnType<typeof setTimeout> | undefined;
  #qualityTimer: ReturnType<typeof setInterval> | undefined;
  #meter = new QualityMeter();
  #patience = new Patience();
  #cueTimer: ReturnType<typeof setTimeout> | undefined;
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #view: View | null = null;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#id = options.remembered;
    this.#channel = new Channel(options.url, () => this.#hello(), {
      message: (message) => void this.#obey(message),
      down: () => this.#detached(),
      refused: (refusal) => this.#refused(refusal),
    });
  }

  join(): void {
    this.#channel.open();
    this.#qualityTimer = setInterval(() => void this.#measure(), QUALITY_MS);
  }

  leave(): void {
    this.#options.remember?.(null);
    this.#end('left', true);
  }

  /** Drop everything without giving the seat up (the page goes away, a monitor is replaced). */
  abandon(): void {
    this.#end('left', false);
  }

  setTrack(source: Source, track: MediaStreamTrack | null): void {
    this.#leg?.setTrack(source, track);
    this.say();
  }

  /** Tell the MCU what is sent now. */
  say(): void {
    const own = this.#options.own?.();
    if (own && this.attached) this.#channel.send({ type: 'state', ...own });
  }

  /** Ask for the floor, or no longer; the MCU answers with `hand`. */
  raiseHand(raised: boolean): void {
    this.#ask({ type: raised ? 'raise_hand' : 'lower_hand' });
  }

  /** False when nothing could be sent. */
  report(category: IssueCategory, text: string): boolean {
    return this.#ask({ type: 'report_issue', category, text });
  }

  /** Somebody here has done what the cue asked, or it does not work. */
  answerCue(ok: boolean): void {
    const cue = this.cue;
    if (cue && (!cue.confirm || this.#ask({ type: 'cue_seen', cue: cue.id, ok }))) this.cue = null;
  }

  #ask(request: ToMcu): boolean {
    if (this.attached && this.#channel.send(request)) return true;
    this.#notify({
      code: 'offline',
      vi: 'Đang nối lại với máy chủ; xin thử lại sau ít giây.',
      en: 'The connection is coming back; try again in a few seconds.',
      fatal: false,
      retry_after: null,
    });
    return false;
  }

  #notify(refusal: Refusal): void {
    this.notice = refusal;
    clearTimeout(this.#noticeTimer);
    this.#noticeTimer = setTimeout(() => (this.notice = null), NOTICE_MS);
  }

  #cued(cue: Cue): void {
    this.cue = cue;
    clearTimeout(this.#cueTimer);
    if (cue.seconds > 0) this.#cueTimer = setTimeout(() => (this.cue = null), cue.seconds * 1000);
  }

  watch(view: View): void {
    this.#view = view;
    if (this.attached) this.#channel.send({ type: 'view', view });
  }

  /** What the browser counts of the connection; null while there is none. */
  async stats(): Promise<RTCStatsReport | null> {
    return this.#leg ? this.#leg.stats() : null;
  }

  /** Nobody can tell us anything now: who is given the floor meanwhile must be heard all the same. */
  #detached(): void {
    this.attached = false;
    this.#asked = this.#held = null;
    this.#hinted(HEARD);
  }

  #hinted(hint: Hint): void {
    this.#hints.set(hint.track, hint);
    this.#leg?.hint(hint);
  }

  #hello(): Hello {
    const hello: Hello = {
      type: 'hello',
      version: VERSION,
      token: this.#options.token,
      client: CLIENT,
      language: this.#options.language(),
      draws_names: true,
    };
    if (this.#id) {
      hello.seat = this.#id;
      hello.media = this.#leg?.connected ?? false;
    }
    return hello;
  }

  async #obey(message: FromMcu): Promise<void> {
    switch (message.type) {
      case 'welcome':
        this.#welcomed(message);
        break;
      case 'answer': {
        const leg = this.#asked?.leg;
        if (!leg || leg !== this.#leg) {
          this.#replied();
          break;
        }
        try {
          await leg.answer(message.sdp);
        } catch (error) {
          console.error('answer refused by the browser:', error);
          if (leg === this.#leg) this.#retryMedia();
        }
        this.#replied();
        this.say();
        break;
      }
      case 'tally':
        this.tally = message;
        break;
      case 'hint':
        this.#hinted(message);
        break;
      case 'conference':
        this.news = message;
        break;
      case 'picture':
        this.plate = message.passed ? message.name : null;
        break;
      case 'hand':
        this.hand = message;
        break;
      case 'cue':
        this.#cued(message);
        break;
      case 'issue':
        this.issue = message;
        break;
      case 'media':
        if (message.action === 'ice_restart') {
          void this.#restart();
        } else {
          this.#after(Math.random() * (message.spread_ms ?? 0), () => this.#newLeg());
          this.media = 'lost';
        }
        break;
      case 'error':
        if (message.fatal) {
          if (message.code === 'replaced') this.#id = undefined;
        } else if (ASKING_REFUSED.has(message.code)) {
          this.#notify(message);
        } else if (OFFER_REFUSED.has(message.code)) {
          this.#offerRefused(message);
        } else {
          this.trouble = message;
        }
        break;
    }
  }

  #welcomed(welcome: Welcome): void {
    this.#id = welcome.seat;
    this.#options.remember?.(welcome.seat);
    this.welcome = welcome;
    this.attached = true;
    this.plate = null; // told again if it is so
    this.hand = this.cue = this.issue = null; // these, too
    this.refusal = null;
    this.phase = 'joined';
    if (this.#view && this.#view !== welcome.view) this.#channel.send({ type: 'view', view: this.#view });
    if (welcome.media === 'offer' || !this.#leg) this.#newLeg();
    else if (this.#leg.connected) this.say();
    else void this.#restart();
  }

  #newLeg(): void {
    clearTimeout(this.#mediaTimer);
    this.#leg?.close();
    this.#leg = null;
    this.media = this.media === 'connecting' ? 'connecting' : 'lost';
    if (!this.attached) return; // `welcome` will ask for it
    if (this.#asked && performance.now() - this.#asked.at > CONNECT_MS) {
      this.#channel.renew();
      return;
    }
    let leg: Leg;
    try {
      leg = new Leg(this.#options.kind, { state: (state) => this.#legState(leg, state) });
    } catch (error) {
      console.error('no peer connection:', error);
      this.trouble = {
        code: 'no_webrtc',
        vi: 'Trình duyệt này không hỗ trợ hội nghị truyền hình (WebRTC). Hãy dùng Chrome, Edge, Cốc Cốc hoặc Firefox bản mới.',
        en: 'This browser cannot take part in video conferences (WebRTC). Use a recent Chrome, Edge or Firefox.',
        fatal: false,
        retry_after: null,
      };
      return;
    }
    this.#leg = leg;
    this.#hints.delete('microphone'); // the MCU takes a new leg for one that sends its sound
    this.#meter = new QualityMeter();
    this.#patience = new Patience();
    const tracks = this.#options.tracks?.() ?? {};
    for (const source of ['microphone', 'camera', 'screen'] as const) {
      if (tracks[source]) leg.setTrack(source, tracks[source]);
    }
    for (const hint of this.#hints.values()) leg.hint(hint);
    this.stream = leg.stream;
    void this.#offer(leg, false);
    this.#after(CONNECT_MS, () => this.#retryMedia());
  }

  async #offer(leg: Leg, restart: boolean): Promise<void> {
    if (this.#asked) {
      this.#held = { leg, restart };
      return;
    }
    const asked = (this.#asked = { leg, at: performance.now() });
    try {
      const sdp = await leg.offer(restart);
      if (asked !== this.#asked) return; // the WebSocket went meanwhile; `welcome` decides
      if (leg !== this.#leg || !this.#channel.send({ type: 'offer', sdp, restart })) this.#replied();
    } catch (error) {
      if (asked === this.#asked) this.#replied();
      if (leg !== this.#leg) return; // closed meanwhile
      console.error('no offer:', error);
      this.#retryMedia();
    }
  }

  /** Nothing is under way any more: make the offer that waited, if its leg is still the one. */
  #replied(): void {
    const held = this.#held;
    this.#asked = this.#held = null;
    if (held && held.leg === this.#leg && this.attached) void this.#offer(held.leg, held.restart);
  }

  #offerRefused(refusal: Refusal): void {
    const stale = this.#asked !== null && this.#asked.leg !== this.#leg;
    this.#replied();
    if (stale) return;
    this.trouble = refusal;
    if (refusal.code === 'unsupported_codec') clearTimeout(this.#mediaTimer); // the same browser offers the same
    else this.#retryMedia(refusal.retry_after ?? 0);
  }

  #restart(): Promise<void> {
    const leg = this.#leg;
    if (!leg || !this.attached) return Promise.resolve(); // the next `welcome` decides
    this.media = 'lost';
    this.#after(RESTART_MS, () => this.#newLeg());
    return this.#offer(leg, true);
  }

  #retryMedia(atLeast = 0): void {
    if (this.media === 'up') this.media = 'lost';
    this.#after(Math.max(atLeast, backoff(this.#attempt++)) * 1000, () => this.#newLeg());
  }

  #legState(leg: Leg, state: RTCPeerConnectionState): void {
    if (leg !== this.#leg) return;
    if (state === 'connected') {
      clearTimeout(this.#mediaTimer);
      this.#attempt = 0;
      this.media = 'up';
      this.trouble = null;
      const meter = this.#meter;
      void leg.stats().then((report) => meter.read(report)); // from where the first rates are counted
      this.say();
    } else if (state === 'disconnected') {
      this.#after(DISCONNECTED_MS, () => void this.#restart());
    } else if (state === 'failed' || state === 'closed') {
      this.media = 'lost';
      if (state === 'failed') void this.#restart();
      else this.#retryMedia();
    }
  }

  #refused(refusal: Refusal): void {
    this.#detached();
    this.refusal = refusal;
    if (refusal.retry_after !== null) return; // the channel knocks again by itself
    this.#options.remember?.(null);
    this.#end('refused', false);
  }

  async #measure(): Promise<void> {
    const leg = this.#leg;
    if (!leg || this.media !== 'up') {
      this.quality = null;
      this.pictureless = false;
      return;
    }
    leg.fit();
    try {
      const quality = this.#meter.read(await leg.stats());
      if (leg !== this.#leg) return;
      leg.wait(this.#patience.read(this.#meter.lostDownwards, quality.rtt_ms));
      this.pictureless = quality.fps === 0 && this.quality?.fps === 0;
      this.quality = quality;
      if (this.attached) this.#channel.send({ type: 'quality', ...quality });
    } catch {
      this.quality = null; // the connection was closed meanwhile
    }
  }

  #after(ms: number, job: () => void): void {
    clearTimeout(this.#mediaTimer);
    this.#mediaTimer = setTimeout(job, ms);
  }

  #end(phase: Phase, goodbye: boolean): void {
    clearTimeout(this.#mediaTimer);
    clearTimeout(this.#cueTimer);
    clearTimeout(this.#noticeTimer);
    clearInterval(this.#qualityTimer);
    this.#channel.close(goodbye ? { type: 'leave' } : undefined);
    this.#leg?.close();
    this.#leg = null;
    this.attached = false;
    this.stream = null;
    this.phase = phase;
  }
}
