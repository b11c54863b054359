/** The frame around every view: where one can go, and whether what is shown is fresh. */
import {
  ActionIcon,
  AppShell,
  Group,
  NavLink,
  Stack,
  Text,
  Title,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import {
  IconAdjustments,
  IconLayoutDashboard,
  IconLogout,
  IconMessages,
  IconMoon,
  IconServer2,
  IconSun,
  IconUsers,
} from "@tabler/icons-react";
import { lazy, Suspense, useEffect } from "react";
import { session } from "./api/key";
import { Freshness } from "./parts/freshness";
import { Logo } from "./parts/logo";
import { href, useRoute, type View } from "./route";
import { ClientView } from "./views/client";
import { ClientsView } from "./views/clients";
import { HubsView } from "./views/hubs";
import { OverviewView } from "./views/overview";
import { RoomView } from "./views/room";
import { RoomsView } from "./views/rooms";

// With it come a YAML parser and the description of every setting, which nobody else needs.
const SettingsView = lazy(() => import("./views/settings").then((module) => ({ default: module.SettingsView })));

const PLACES: readonly { view: View; label: string; Icon: typeof IconUsers }[] = [
  { view: "overview", label: "Overview", Icon: IconLayoutDashboard },
  { view: "hubs", label: "Hubs", Icon: IconServer2 },
  { view: "clients", label: "Clients", Icon: IconUsers },
  { view: "rooms", label: "Rooms", Icon: IconMessages },
  { view: "settings", label: "Settings", Icon: IconAdjustments },
];

export function Shell() {
  const { view, id } = useRoute();
  const place = PLACES.find((known) => known.view === view);
  useEffect(() => {
    document.title = `${id ?? place?.label} · gohub console`;
    scrollTo(0, 0);
  }, [id, place]);

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: true } }}
      footer={{ height: { base: 60, sm: 0 } }}
      padding={{ base: "sm", sm: "lg" }}
    >
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Logo size={28} />
            <Title order={1} size="h4" textWrap="nowrap">
              gohub{" "}
              <Text span inherit c="dimmed" fw={500}>
                console
              </Text>
            </Title>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Freshness />
            <SchemeSwitch />
            <Tooltip label="Forget the key">
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label="Forget the key" onClick={() => session.leave()}>
                <IconLogout size={20} />
              </ActionIcon>
            </Tooltip>
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" aria-label="Views" visibleFrom="sm">
        <Stack gap={4}>
          {PLACES.map(({ view: to, label, Icon }) => (
            <NavLink
              key={to}
              href={href(to)}
              label={label}
              active={view === to}
              aria-current={view === to ? "page" : undefined}
              leftSection={<Icon size={20} aria-hidden />}
              className="place"
            />
          ))}
        </Stack>
      </AppShell.Navbar>
      <AppShell.Main className="ground">
        {view === "overview" && <OverviewView />}
        {view === "hubs" && <HubsView />}
        {view === "clients" && (id === null ? <ClientsView /> : <ClientView key={id} id={id} />)}
        {view === "rooms" && (id === null ? <RoomsView /> : <RoomView key={id} name={id} />)}
        {view === "settings" && (
          <Suspense>
            <SettingsView />
          </Suspense>
        )}
      </AppShell.Main>
      <AppShell.Footer hiddenFrom="sm" component="nav" aria-label="Views">
        <Group h="100%" gap={0} grow preventGrowOverflow={false}>
          {PLACES.map(({ view: to, label, Icon }) => (
            <UnstyledButton
              key={to}
              component="a"
              href={href(to)}
              className="tab"
              data-active={view === to || undefined}
              aria-current={view === to ? "page" : undefined}
            >
              <Icon size={22} aria-hidden />
              {label}
            </UnstyledButton>
          ))}
        </Group>
      </AppShell.Footer>
    </AppShell>
  );
}

function SchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const isDark = useComputedColorScheme("light") === "dark";
  const label = isDark ? "Light colours" : "Dark colours";
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="lg" aria-label={label} onClick={() => setColorScheme(isDark ? "light" : "dark")}>
        {isDark ? <IconSun size={20} /> : <IconMoon size={20} />}
      </ActionIcon>
    </Tooltip>
  );
}
