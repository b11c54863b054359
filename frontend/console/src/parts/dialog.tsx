/** A question before something is done that cannot be taken back. */
import { Group, Modal, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface Dialog {
  title: string;
  opened: boolean;
  onClose: () => void;
  /** The buttons. */
  actions: ReactNode;
  children: ReactNode;
}

export function Dialog({ title, opened, onClose, actions, children }: Dialog) {
  // The library's own head of a dialog is a second banner of the page to a screen reader.
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      centered
      withCloseButton={false}
      padding="lg"
      attributes={{ content: { "aria-label": title } }}
    >
      <Stack>
        <Title order={2} size="h4" className="clip">
          {title}
        </Title>
        {children}
        <Group justify="flex-end">{actions}</Group>
      </Stack>
    </Modal>
  );
}
