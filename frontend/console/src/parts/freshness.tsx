/** Whether the figures on the page are of now. */
import { Badge, Tooltip } from "@mantine/core";
import { date } from "../figures/units";
import { useLive } from "../live";

export function Freshness() {
  const { history, trouble } = useLive();
  if (trouble) {
    return (
      <Tooltip label={`${trouble.problem.message} Since ${date(trouble.since)}; tried again every two seconds.`} multiline maw={280}>
        <Badge color="red" variant="light" role="status" tabIndex={0}>
          no answer
        </Badge>
      </Tooltip>
    );
  }
  const isLive = history.last !== undefined;
  return (
    <Badge color={isLive ? "green" : "gray"} variant="dot" role="status">
      {isLive ? "live" : "asking"}
    </Badge>
  );
}
