/** Who has no key sees the gate, who has one the console. */
import { useSyncExternalStore } from "react";
import { session } from "./api/key";
import { Gate } from "./gate";
import { Shell } from "./shell";

export function App() {
  const isIn = useSyncExternalStore(session.subscribe, () => session.key() !== null);
  return isIn ? <Shell /> : <Gate />;
}
