/** Which rows of a long list are drawn: those on screen and a few around. All rows are of one height. */
import { untrack } from "svelte";
import { elementScroll, observeElementOffset, observeElementRect, Virtualizer, type VirtualItem } from "@tanstack/virtual-core";

export class RowWindow {
  private readonly virtualizer: Virtualizer<HTMLElement, HTMLElement>;
  private version = $state(0);

  constructor(
    private readonly element: () => HTMLElement | null,
    private readonly count: () => number,
    private readonly height: () => number,
    /** How much of the top is covered by what sticks there. */
    private readonly covered: number,
  ) {
    this.virtualizer = new Virtualizer(this.options());
    $effect(() => this.virtualizer._didMount());
    $effect(() => {
      const options = this.options();
      untrack(() => {
        this.virtualizer.setOptions(options);
        this.virtualizer._willUpdate();
        this.changed();
      });
    });
    $effect(() => {
      void this.height();
      untrack(() => this.virtualizer.measure());
    });
  }

  /** The rows to draw, in order. */
  get items(): readonly VirtualItem[] {
    void this.version;
    return this.virtualizer.getVirtualItems();
  }

  /** The height of all rows, in pixels. */
  get size(): number {
    void this.version;
    return this.virtualizer.getTotalSize();
  }

  /** The rows that are on screen: from the first up to, but without, the second. */
  get seen(): readonly [number, number] {
    void this.version;
    const range = this.virtualizer.range;
    return range === null ? [0, 0] : [range.startIndex, range.endIndex + 1];
  }

  /** Scroll as little as is needed to have a row on screen. */
  show(index: number): void {
    this.virtualizer.scrollToIndex(index, { align: "auto" });
  }

  top(): void {
    this.virtualizer.scrollToOffset(0);
  }

  private changed(): void {
    this.version += 1;
  }

  private options(): ConstructorParameters<typeof Virtualizer<HTMLElement, HTMLElement>>[0] {
    const height = this.height();
    return {
      count: this.count(),
      getScrollElement: this.element,
      estimateSize: () => height,
      overscan: 6,
      scrollPaddingStart: this.covered,
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange: () => untrack(() => this.changed()),
    };
  }
}
