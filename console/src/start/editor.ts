/** The text editor: CodeMirror, in a chunk of its own. */
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Annotation, EditorState, RangeSet, StateEffect, StateField, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, GutterMarker, gutter, highlightActiveLine, keymap, lineNumbers, type DecorationSet } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Mark } from "./source";

const marked = StateEffect.define<readonly Mark[]>();
const fromOutside = Annotation.define<boolean>();

class Sign extends GutterMarker {
  override readonly elementClass = "cm-fault-line";
}
const sign = new Sign();

/** Marks stay with their text while it is edited, until they are set anew. */
const faults = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(set, change) {
    let now = set.map(change.changes);
    for (const effect of change.effects) {
      if (effect.is(marked)) now = Decoration.set(effect.value.flatMap((mark) => drawn(mark, change.state)), true);
    }
    return now;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function drawn({ from, to, message }: Mark, state: EditorState) {
  const end = Math.min(to, state.doc.length);
  if (from >= end) return [];
  return [Decoration.mark({ class: "cm-fault", attributes: { title: message } }).range(from, end)];
}

const signs = gutter({
  class: "cm-signs",
  markers: (view) => {
    const lines = new Set<number>();
    view.state.field(faults).between(0, view.state.doc.length, (from) => void lines.add(view.state.doc.lineAt(from).from));
    return RangeSet.of([...lines].sort((a, b) => a - b).map((at) => sign.range(at)));
  },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--running)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--completed)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--suspended)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.labelName, tags.typeName, tags.meta], color: "var(--paused)" },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--muted)" },
]);

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-line": { padding: "0 12px 0 6px" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--muted)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in oklab, var(--hover) 55%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-signs": { width: "10px" },
  ".cm-fault-line::before": {
    content: "''", display: "block", width: "6px", height: "6px", margin: "0.55em 0 0 3px", borderRadius: "50%", background: "var(--failed)",
  },
  ".cm-fault": { textDecoration: "underline wavy var(--failed) 1px", textUnderlineOffset: "3px", backgroundColor: "var(--failed-soft)" },
});

/**
 * Replace what is selected ourselves: Chromium would keep the looks of the old text by an inline style, which the page's
 * policy forbids and reports.
 */
const replacing = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType !== "insertText" || event.data === null || view.composing || view.state.selection.main.empty) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    event.preventDefault();
    return true;
  },
});

export interface EditorOptions {
  text: string;
  label: string;
  onchange: (text: string) => void;
}

export class Editor {
  private readonly view: EditorView;

  /** Its styles are sheets of a shadow root, which need no inline style: the page's policy forbids those. */
  constructor(host: HTMLElement, { text, label, onchange }: EditorOptions) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const changed = EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((each) => each.annotation(fromOutside))) onchange(update.state.doc.toString());
    });
    const extensions: Extension[] = [
      faults, signs, lineNumbers(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(),
      EditorState.tabSize.of(2), indentUnit.of("  "), yaml(), syntaxHighlighting(colours), look, changed, replacing,
      keymap.of([...defaultKeymap, ...historyKeymap]),
      EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false", tabindex: "0" }),
    ];
    this.view = new EditorView({ doc: text, extensions, parent: root, root });
    this.view.dom.classList.add("editor");
  }

  replace(text: string): void {
    if (text === this.view.state.doc.toString()) return;
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text }, annotations: fromOutside.of(true) });
  }

  mark(marks: readonly Mark[]): void {
    this.view.dispatch({ effects: marked.of(marks) });
  }

  /** Put the cursor to a mark, and have it on screen. */
  show({ from }: Mark): void {
    const at = Math.min(from, this.view.state.doc.length);
    this.view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
    this.view.focus();
  }

  destroy(): void {
    this.view.destroy();
  }
}
