/* What Node and browsers do differently, and the client therefore is given. */
import type { RawAnswer } from "./client-error.ts";

export type Headers = Readonly<Record<string, string>>;

/** A text, or bytes. */
export type Message = string | Uint8Array<ArrayBuffer>;

export interface Socket {
  send(message: Message): void;
  close(): void;
}

export interface SocketListeners {
  /** Gives the opening up, which may take for ever; an open socket is its user's to close. */
  readonly signal: AbortSignal;
  onMessage(message: Message): void;
  /** Comes once, after the last message. */
  onClose(code: number, reason: string): void;
}

export interface FormRequest {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Blob;
  readonly signal: AbortSignal | undefined;
  onSent(bytes: number): void;
}

export interface Platform {
  /** Resolves when it is open; rejects with the server's refusal, as far as the platform tells it. */
  openSocket(url: string, headers: Headers, listeners: SocketListeners): Promise<Socket>;
  /** Posts a body and tells how much of it has gone, which `fetch` does not. Rejects with `unreachable`. */
  sendForm(request: FormRequest): Promise<RawAnswer>;
}
