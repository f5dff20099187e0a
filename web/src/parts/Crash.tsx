// What is left when the page itself fails: a sentence and a way on.
import { Component, type ReactNode } from "react";
import { words } from "../words";

export class Crash extends Component<{ children: ReactNode }, { crashed: boolean }> {
  override state = { crashed: false };

  static getDerivedStateFromError(): { crashed: boolean } {
    return { crashed: true };
  }

  override render(): ReactNode {
    if (!this.state.crashed) return this.props.children;
    return (
      <main className="notice-page">
        <div role="alert">
          <h1>{words.crashed.title}</h1>
          <p>{words.crashed.lead}</p>
        </div>
        <button className="button primary" onClick={() => { location.reload(); }}>{words.crashed.reload}</button>
      </main>
    );
  }
}
