/** What the page itself finds wrong, in the same two parts as a fault of the catalogue: what it is, and what to do next. */
export class PageFault extends Error {
  readonly next: string;

  constructor(message: string, next: string, options?: ErrorOptions) {
    super(message, options);
    this.next = next;
  }
}
