/* `troupe/client` in browsers, and wherever else there are `fetch`, `WebSocket` and `XMLHttpRequest`. */
import { Client, type ClientOptions } from "./client.ts";
import { type RawAnswer, TroupeClientError } from "./client-error.ts";
import { unreachable } from "./http.ts";
import type {
  FormRequest,
  Headers,
  Message,
  Platform,
  Socket,
  SocketListeners,
} from "./platform.ts";

// biome-ignore lint/performance/noBarrelFile: with node.ts this is the package's face.
export { TroupeClientError } from "./client-error.ts";
export type * from "./face.ts";

export class TroupeClient extends Client {
  constructor(url: string | URL, options: ClientOptions = {}) {
    super(url, options, browserPlatform);
  }
}

const browserPlatform: Platform = { openSocket, sendForm };

/** As far as it is used; the types of browsers are not those of this project. */
interface BrowserSocket {
  binaryType: string;
  onopen: () => void;
  onmessage: (event: { readonly data: unknown }) => void;
  onclose: (event: { readonly code: number; readonly reason: string }) => void;
  send(message: Message): void;
  close(): void;
}

interface BrowserRequest {
  readonly status: number;
  readonly response: ArrayBuffer;
  responseType: string;
  readonly upload: { onprogress: (event: { readonly loaded: number }) => void };
  onload: () => void;
  onerror: () => void;
  onabort: () => void;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: Blob): void;
  abort(): void;
}

declare const WebSocket: new (url: string) => BrowserSocket;
declare const XMLHttpRequest: new () => BrowserRequest;

/** A browser does not tell a page why a connection was refused, and sends none of its headers. */
function openSocket(url: string, _headers: Headers, listeners: SocketListeners): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const giveUp = () => socket.close();
    listeners.signal.addEventListener("abort", giveUp);
    if (listeners.signal.aborted) giveUp();
    socket.onopen = () => {
      listeners.signal.removeEventListener("abort", giveUp);
      socket.onclose = ({ code, reason }) => listeners.onClose(code, reason);
      resolve({ send: (message) => socket.send(message), close: () => socket.close() });
    };
    socket.onmessage = ({ data }) =>
      listeners.onMessage(data instanceof ArrayBuffer ? new Uint8Array(data) : String(data));
    socket.onclose = ({ code }) => {
      listeners.signal.removeEventListener("abort", giveUp);
      const words = `cannot open a WebSocket at ${url}: closed with code ${code}`;
      reject(new TroupeClientError("unreachable", words));
    };
  });
}

/** `fetch` tells no progress of what it sends. */
function sendForm({ url, headers, body, signal, onSent }: FormRequest): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "arraybuffer";
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onSent(loaded);
    request.onload = () =>
      resolve({
        status: request.status,
        body: new Uint8Array(request.response),
        header: (name) => request.getResponseHeader(name),
      });
    request.onerror = () => reject(unreachable(new URL(url), "the request failed"));
    request.onabort = request.onerror;
    signal?.addEventListener("abort", () => request.abort(), { once: true });
    if (signal?.aborted === true) request.abort();
    else request.send(body);
  });
}
