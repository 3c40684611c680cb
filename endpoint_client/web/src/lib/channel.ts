// The WebSocket of signaling/protocol.md that comes back by itself.
//
// Limits: no queue; what cannot be sent now is told by `send` returning false and said anew after `welcome`.

import { backoff } from './backoff';
import type { FromMcu, Hello, Refusal, ToMcu } from './protocol';

const SILENCE_MS = 12_000; // the MCU pings every 5 s

export interface ChannelEvents {
  message(message: FromMcu): void;
  /** The socket is gone; the next attempt is made in `retryIn` seconds. */
  down(retryIn: number): void;
  /** The MCU refused for good; after `retry_after` seconds, if given, the channel comes back by itself. */
  refused(refusal: Refusal): void;
}

export class Channel {
  #socket: WebSocket | null = null;
  #attempt = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #refusal: Refusal | null = null;
  #closed = false;

  constructor(
    readonly url: string,
    readonly hello: () => Hello,
    readonly events: ChannelEvents,
  ) {}

  open(): void {
    addEventListener('online', this.#hurry);
    this.#connect();
  }

  send(message: ToMcu): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Give this connection up and come back over a new one. */
  renew(): void {
    const socket = this.#socket;
    if (!socket) return; // it comes back already
    socket.onclose = null;
    socket.close();
    this.#lost(socket, 1006);
  }

  /** Close for good, saying `last` first when the socket is open. */
  close(last?: ToMcu): void {
    this.#closed = true;
    removeEventListener('online', this.#hurry);
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    if (last) this.send(last);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #hurry = (): void => {
    if (this.#closed || this.#socket || this.#refusal) return;
    this.#attempt = 0;
    this.#connect();
  };

  #connect(): void {
    clearTimeout(this.#retry);
    this.#refusal = null;
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.url);
    } catch {
      this.#again();
      return;
    }
    this.#socket = socket;
    this.#listen(socket); // also the deadline for connecting
    socket.onopen = () => socket.send(JSON.stringify(this.hello()));
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      this.#listen(socket);
      let message: FromMcu;
      try {
        message = JSON.parse(String(event.data)) as FromMcu;
      } catch {
        return; // a server that sends no JSON is not ours; its pings will stop counting
      }
      if (message.type === 'ping') {
        this.send({ type: 'pong', n: message.n });
        return;
      }
      if (message.type === 'welcome') this.#attempt = 0;
      if (message.type === 'error' && message.fatal) this.#refusal = { ...message, retry_after: message.retry_after ?? null };
      this.events.message(message);
    };
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  #listen(socket: WebSocket): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      if (this.#socket === socket) this.renew();
    }, SILENCE_MS);
  }

  #lost(socket: WebSocket, code: number): void {
    if (this.#closed || this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#silence);
    if (!this.#refusal && code >= 4400 && code < 4500) {
      this.#refusal = {
        code: `closed_${code}`,
        vi: 'Máy chủ đã đóng kết nối. Hãy liên hệ người vận hành.',
        en: 'The server closed the connection. Please contact the operator.',
        fatal: true,
        retry_after: null,
      };
    }
    if (!this.#refusal) {
      this.#again();
      return;
    }
    if (this.#refusal.retry_after !== null) {
      this.#retry = setTimeout(() => this.#connect(), this.#refusal.retry_after * 1000);
    } else {
      this.close();
    }
    this.events.refused(this.#refusal);
  }

  #again(): void {
    const wait = backoff(this.#attempt++);
    this.#retry = setTimeout(() => this.#connect(), wait * 1000);
    this.events.down(wait);
  }
}
