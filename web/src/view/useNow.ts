// The moment, renewed while somebody has to see it pass.
import { useEffect, useState } from "react";

/** Epoch milliseconds; renewed every second while `passing`. */
export function useNow(passing: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!passing) return;
    const timer = setInterval(() => { setNow(Date.now()); }, 1000);
    return () => {
      clearInterval(timer);
    };
  }, [passing]);
  return now;
}
