// A proxy between the page and the service that can keep the answers to uploads to itself.
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Service } from "./service";

export class Gateway {
  /** Ids of the photos that the service took, in their order. */
  readonly taken: string[] = [];
  /** Whether answers to uploads are held back. */
  holds = true;
  #held: (() => void)[] = [];
  readonly #server: Server;
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
    this.#server = createServer((asked, answer) => { this.#pass(asked, answer); });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => { this.#server.listen(0, "127.0.0.1", resolve); });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The answers held back go on, and later ones pass. */
  release(): void {
    this.holds = false;
    for (const go of this.#held.splice(0)) go();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    const onward = request(`${this.#service.url}${asked.url ?? "/"}`, { method: asked.method, headers: asked.headers }, (told) => {
      const on = (body: Buffer | null): void => {
        answer.writeHead(told.statusCode ?? 502, told.headers);
        if (body) answer.end(body);
        else told.pipe(answer);
      };
      if (asked.method !== "POST" || asked.url !== "/upload") {
        on(null);
        return;
      }
      const parts: Buffer[] = [];
      told.on("data", (part: Buffer) => parts.push(part));
      told.on("end", () => {
        const body = Buffer.concat(parts);
        if (told.statusCode === 202) this.taken.push((JSON.parse(body.toString()) as { id: string }).id);
        if (this.holds) this.#held.push(() => { on(body); });
        else on(body);
      });
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => { onward.destroy(); });
    asked.pipe(onward);
  }
}
