/** Asks the hub again and again while a view is open. */
import { useCallback, useEffect, useRef, useState } from "react";
import { Refused } from "./hub";

/** What is known of something that is asked for again and again. */
export interface Polled<T> {
  /** The newest answer; it stays while later calls fail. */
  value: T | undefined;
  /** Why the newest call failed. */
  problem: Refused | undefined;
  /** Whether a call for this question has not been answered yet. */
  isLoading: boolean;
  /** Asks at once. */
  again: () => void;
}

/** Asks now, and `everyMs` after each answer. Another `question` (what `ask` depends on) begins anew. */
export function usePolled<T>(ask: (signal: AbortSignal) => Promise<T>, question: string, everyMs: number): Polled<T> {
  const asked = useRef(ask);
  asked.current = ask;
  const [state, setState] = useState<{ question: string; value?: T; problem?: Refused }>({ question });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `round` is what `again` changes
  useEffect(() => {
    const stop = new AbortController();
    let timer: number | undefined;
    const next = async () => {
      try {
        const value = await asked.current(stop.signal);
        if (!stop.signal.aborted) setState({ question, value });
      } catch (failure) {
        if (stop.signal.aborted) return;
        const problem = failure instanceof Refused ? failure : new Refused(0, "console", String(failure));
        setState((before) => (before.question === question ? { ...before, problem } : { question, problem }));
      }
      if (!stop.signal.aborted) timer = window.setTimeout(next, everyMs);
    };
    void next();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [question, everyMs, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  const isOfThis = state.question === question;
  return {
    // The answer to the question before is shown until this one's is there: pages do not flicker.
    value: state.value,
    problem: isOfThis ? state.problem : undefined,
    isLoading: !isOfThis || (state.value === undefined && state.problem === undefined),
    again,
  };
}
