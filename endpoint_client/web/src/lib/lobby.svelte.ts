// The socket of a page that is not in the conference: it waits to be called in, and comes back by itself.

import { socketUrl } from './api';
import { backoff } from './backoff';

export interface Ring {
  id: string;
  vi: string;
  en: string;
}

export class Lobby {
  /** What the operator calls; null: nothing, or it was answered. */
  ring = $state<Ring | null>(null);
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #open = false;

  constructor(readonly token: string) {}

  open(): void {
    if (this.#open) return;
    this.#open = true;
    this.#connect();
  }

  close(): void {
    this.#open = false;
    this.ring = null;
    clearTimeout(this.#retry);
    this.#socket?.close(1000);
    this.#socket = null;
  }

  #connect(): void {
    clearTimeout(this.#retry);
    let socket: WebSocket;
    try {
      socket = new WebSocket(socketUrl('/ws/v1/lobby'));
    } catch {
      this.#again();
      return;
    }
    this.#socket = socket;
    socket.onopen = () => socket.send(JSON.stringify({ type: 'wait', token: this.token }));
    socket.onmessage = (event) => {
      if (this.#socket !== socket) return;
      let message: { type?: string } & Partial<Ring>;
      try {
        message = JSON.parse(String(event.data)) as typeof message;
      } catch {
        return;
      }
      if (message.type === 'waiting') this.#attempt = 0;
      const { id, vi, en } = message;
      if (message.type === 'ring' && id && vi && en) this.ring = { id, vi, en };
    };
    socket.onclose = (event) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      // A link that is no longer good waits for nothing: joining says why.
      if (this.#open && (event.code < 4400 || event.code >= 4500)) this.#again();
    };
  }

  #again(): void {
    this.#retry = setTimeout(() => this.#open && this.#connect(), backoff(this.#attempt++) * 1000);
  }
}
