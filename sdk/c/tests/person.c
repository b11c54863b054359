/*
 * Somebody who uses the client as an application does: commands come in a line each, TAG and words between tabs, and everything
 * the client tells goes out as a line of JSON. tests/person.py sits at the other end.
 *   person FORM CLIENT_ID TOKEN ASK CONNECT_MS REQUEST_MS URL...      (empty words are defaults)
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dump.h"
#include "gohub/gohub.h"
#include "line.h"
#include "posix.h"

#define LINE_BYTES (1 << 17)
#define TAG_BYTES 16
/* More than can wait, as each command has its own. */
#define TAGS 64
#define TOKEN_BYTES 8192

static gohub_client client;
static gohub_posix posix;
static gohub_transport transport;
static GOHUB_BUFFERS(buffers);
static char tags[TAGS][TAG_BYTES];
static bool paused;

/* A person who is paused does not read, as a phone in a tunnel does; of a connection that broke nothing comes any more. */
static gohub_transport sockets;
static bool broken;

static int read_unless_paused(void *context, void *bytes, size_t size) {
    return broken ? GOHUB_GONE : paused ? 0 : sockets.read(context, bytes, size);
}

static bool open_anew(void *context, const gohub_url *url) {
    broken = false;
    return sockets.open(context, url);
}

static void begin(const char *name) {
    printf("{\"event\":\"%s\",\"at\":%llu", name, (unsigned long long)transport.now(transport.context));
}

static void end(void) {
    printf("}\n");
}

static void on_event(void *context, gohub_client *told, const gohub_event *event) {
    (void)context;
    begin(gohub_event_name(event->type));
    switch (event->type) {
    case GOHUB_EVENT_STATE: printf(",\"state\":\"%s\"", gohub_state_name(event->state)); break;
    case GOHUB_EVENT_WELCOME:
        dump_fields(event->envelope);
        printf(",\"resumed\":%s", event->resumed ? "true" : "false");
        break;
    case GOHUB_EVENT_GAP:
        printf(",\"from\":\"%llu-%llu\",\"to\":\"%llu-%llu\",\"count\":%llu,\"reason\":\"%s\"",
               (unsigned long long)event->from.major, (unsigned long long)event->from.minor,
               (unsigned long long)event->to.major, (unsigned long long)event->to.minor, (unsigned long long)event->count,
               gohub_gap_reason_name(event->reason));
        dump_text("room", event->room);
        break;
    case GOHUB_EVENT_MODE: printf(",\"mode\":\"%s\"", event->degraded ? "degraded" : "normal"); break;
    case GOHUB_EVENT_TROUBLE: printf(",\"attempts\":%llu", (unsigned long long)event->count); break;
    case GOHUB_EVENT_ERROR: printf(",\"code\":\"%s\"", gohub_code_name(event->error.code)); break;
    case GOHUB_EVENT_CLOSED: printf(",\"code\":%u", event->code); break;
    case GOHUB_EVENT_JOINED:
    case GOHUB_EVENT_LEFT: dump_text("room", event->room); break;
    default:
        if (event->envelope != NULL) {
            dump_fields(event->envelope);
        }
    }
    dump_text("words", event->words);
    gohub_offset position;
    if (gohub_client_position(told, &position)) {
        printf(",\"position\":\"%llu-%llu\"", (unsigned long long)position.major, (unsigned long long)position.minor);
    }
    end();
}

static void done(void *context, const gohub_answer *answer) {
    begin("done");
    dump_text("tag", gohub_text_of(context));
    if (answer->envelope != NULL) {
        printf(",\"ok\":true");
        dump_fields(answer->envelope);
    } else {
        printf(",\"ok\":false,\"code\":\"%s\",\"retryable\":%s,\"uncertain\":%s", gohub_code_name(answer->error.code),
               answer->error.retryable ? "true" : "false", answer->error.uncertain ? "true" : "false");
    }
    end();
}

static const char *word(const char *text) {
    return text[0] == 0 ? NULL : text;
}

static gohub_data data_of(char *text) {
    /* Bytes are given as #hex. */
    if (text[0] == '#') {
        return gohub_data_bytes(text + 1, line_hex(text + 1));
    }
    return gohub_data_json(text);
}

static gohub_code ask(char *words[LINE_WORDS], const gohub_request *request, bool *known) {
    const char *command = words[1];
    gohub_offset offset;
    const gohub_offset *from = gohub_offset_read(gohub_text_of(words[3]), &offset) ? &offset : NULL;
    *known = true;
    if (strcmp(command, "join") == 0) {
        return gohub_client_join(&client, words[2], from, request);
    }
    if (strcmp(command, "leave") == 0) {
        return gohub_client_leave(&client, words[2], request);
    }
    if (strcmp(command, "publish") == 0) {
        return gohub_client_publish(&client, words[2], data_of(words[3]), request);
    }
    if (strcmp(command, "unicast") == 0) {
        return gohub_client_unicast(&client, words[2], data_of(words[3]), request);
    }
    if (strcmp(command, "broadcast") == 0) {
        return gohub_client_broadcast(&client, data_of(words[3]), request);
    }
    if (strcmp(command, "send") == 0) {
        return gohub_client_send(&client, (uint32_t)strtoul(words[2], NULL, 10), NULL, NULL, data_of(words[3]), request);
    }
    if (strcmp(command, "presence") == 0) {
        return gohub_client_presence(&client, words[2], (uint32_t)strtoul(words[4], NULL, 10), word(words[5]), request);
    }
    if (strcmp(command, "history") == 0) {
        return gohub_client_history(&client, words[2], (uint32_t)strtoul(words[4], NULL, 10), from, request);
    }
    if (strcmp(command, "ping") == 0) {
        return gohub_client_ping(&client, request);
    }
    *known = false;
    return GOHUB_OK;
}

/* Commands that nobody answers. */
static void tell(char *words[LINE_WORDS]) {
    static char tokens[2][TOKEN_BYTES];
    static unsigned turn;
    const char *command = words[1];
    if (strcmp(command, "connect") == 0) {
        gohub_client_connect(&client);
    } else if (strcmp(command, "close") == 0) {
        gohub_client_close(&client);
    } else if (strcmp(command, "wake") == 0) {
        gohub_client_wake(&client);
    } else if (strcmp(command, "token") == 0) {
        char *kept = tokens[turn++ % 2];
        (void)snprintf(kept, TOKEN_BYTES, "%s", words[2]);
        (void)gohub_client_token(&client, kept);
    } else if (strcmp(command, "no_token") == 0) {
        gohub_client_no_token(&client);
    } else if (strcmp(command, "pause") == 0) {
        paused = true;
    } else if (strcmp(command, "resume") == 0) {
        paused = false;
    } else if (strcmp(command, "break") == 0 && posix.socket >= 0) {
        broken = true;
        (void)shutdown(posix.socket, SHUT_RDWR);
    } else if (strcmp(command, "inside") == 0) {
        begin("inside");
        printf(",\"yes\":%s", gohub_client_inside(&client, words[2]) ? "true" : "false");
        end();
    }
}

static void obey(char *line) {
    static unsigned turn;
    static char refreshed[TOKEN_BYTES];
    char *words[LINE_WORDS];
    char *tag = tags[turn++ % TAGS];
    bool known;
    line_split(line, words);
    (void)snprintf(tag, TAG_BYTES, "%s", words[0]);
    gohub_request request = {done, tag, 0, word(words[6]), word(words[7]), strcmp(words[8], "once") == 0};
    gohub_code code = ask(words, &request, &known);
    if (strcmp(words[1], "refresh") == 0) {
        (void)snprintf(refreshed, sizeof refreshed, "%s", words[2]);
        code = gohub_client_refresh(&client, refreshed, &request);
        known = true;
    }
    if (!known) {
        tell(words);
    } else if (code != GOHUB_OK) {
        gohub_answer answer = {NULL, gohub_error_of(code, "refused at once", false)};
        done(tag, &answer);
    }
}

/* Everything that came on stdin; false at its end. */
static bool obey_all(void) {
    static char line[LINE_BYTES];
    static size_t used;
    ssize_t count = read(STDIN_FILENO, line + used, sizeof line - 1 - used);
    if (count <= 0) {
        return false;
    }
    used += (size_t)count;
    line[used] = 0;
    char *at = line;
    for (char *stop = strchr(at, '\n'); stop != NULL; stop = strchr(at, '\n')) {
        *stop = 0;
        obey(at);
        at = stop + 1;
    }
    used -= (size_t)(at - line);
    memmove(line, at, used);
    return true;
}

int main(int count, char **words) {
    if (count < 8) {
        return 2;
    }
    gohub_options options = {
        .urls = (const char *const *)(words + 7),
        .url_count = (size_t)count - 7,
        .client_id = word(words[2]),
        .token = word(words[3]),
        .ask_token = words[4][0] != 0,
        .form = strcmp(words[1], "cbor") == 0 ? GOHUB_CBOR : GOHUB_JSON,
        .connect_timeout_ms = (uint32_t)strtoul(words[5], NULL, 10),
        .request_timeout_ms = (uint32_t)strtoul(words[6], NULL, 10),
        .buffers = GOHUB_USE_BUFFERS(buffers),
        .on_event = on_event,
    };
    transport = gohub_posix_transport(&posix);
    sockets = transport;
    transport.read = read_unless_paused;
    transport.open = open_anew;
    if (gohub_client_init(&client, &options, &transport) != GOHUB_OK) {
        begin("refused");
        end();
        return 1;
    }
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    for (;;) {
        uint32_t wait = gohub_client_poll(&client);
        (void)fflush(stdout);
        short writes = gohub_client_wants_write(&client) ? POLLOUT : 0;
        struct pollfd watched[2] = {
            {STDIN_FILENO, POLLIN, 0},
            {posix.socket, (short)((paused ? 0 : POLLIN) | writes), 0},
        };
        (void)poll(watched, 2, wait > 1000000 ? 1000000 : (int)wait);
        if (watched[0].revents != 0 && !obey_all()) {
            return 0;
        }
    }
}
