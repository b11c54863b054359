// libwebsockets: libwebsockets URL NAME. README.md beside this file says what every client does.
#include <cjson/cJSON.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM "interop"
#define SUBPROTOCOL "gohub.v1.json"

static const char *name;
static bool greeted, connected;
static char epoch[64], position[64];
static int code;
static char reason[124];

// The message that is coming in, which lws hands over in pieces.
static char incoming[256 * 1024];
static size_t incoming_size;

// What waits to be sent: lws takes one message whenever the connection is writable.
static char *outgoing[2];
static int outgoing_count;

static char *message(const char *ref, const char *data) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "message_id", 22);
    cJSON_AddStringToObject(json, "room", ROOM);
    cJSON_AddStringToObject(json, "ref", ref);
    cJSON_AddStringToObject(json, "data", data);
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

static void send_later(struct lws *wsi, const char *ref, const char *data) {
    outgoing[outgoing_count++] = message(ref, data);
    lws_callback_on_writable(wsi);
}

static int send_next(struct lws *wsi) {
    if (outgoing_count == 0) return 0;
    char *text = outgoing[0];
    outgoing[0] = outgoing[--outgoing_count];
    size_t size = strlen(text);
    // lws writes the frame's header before the message.
    unsigned char *buffer = malloc(LWS_PRE + size);
    memcpy(buffer + LWS_PRE, text, size);
    int written = lws_write(wsi, buffer + LWS_PRE, size, LWS_WRITE_TEXT);
    free(buffer);
    free(text);
    if (outgoing_count > 0) lws_callback_on_writable(wsi);
    return written < (int)size ? -1 : 0;
}

static const char *text_of(const cJSON *json, const char *field) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, field));
    return text ? text : "";
}

static void greet(struct lws *wsi, int max_message) {
    char greeting[256];
    snprintf(greeting, sizeof greeting, "Grüße von %s, 你好 🚀", name);
    send_later(wsi, "greeting", greeting);
    char *empty = message("largest", "");
    size_t room = (size_t)max_message - strlen(empty);
    free(empty);
    char *largest = malloc(room + 1);
    memset(largest, 'x', room);
    largest[room] = 0;
    send_later(wsi, "largest", largest);
    free(largest);
}

// Takes one message; true when it was the goodbye.
static bool take(struct lws *wsi, const cJSON *json) {
    int id = (int)cJSON_GetNumberValue(cJSON_GetObjectItem(json, "message_id"));
    if (id == 3 || id == 22) snprintf(position, sizeof position, "%s", text_of(json, "offset"));
    if (id == 3) {
        snprintf(epoch, sizeof epoch, "%s", text_of(json, "epoch"));
        const char *room = cJSON_GetStringValue(cJSON_GetArrayItem(cJSON_GetObjectItem(json, "rooms"), 0));
        bool recovered = cJSON_IsTrue(cJSON_GetObjectItem(json, "recovered"));
        printf("welcome %s %s %s\n", text_of(json, "client_id"), room ? room : "", recovered ? "true" : "false");
        if (!greeted) greet(wsi, (int)cJSON_GetNumberValue(cJSON_GetObjectItem(json, "max_message")));
        greeted = true;
    } else if (id == 4) {
        printf("ack %s\n", text_of(json, "ref"));
    } else if (id == 22 && strcmp(text_of(json, "from"), name) != 0) {
        printf("heard %s\n", text_of(json, "data"));
        return strcmp(text_of(json, "data"), "goodbye") == 0;
    }
    return false;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons event, void *user, void *in, size_t size) {
    (void)user;
    switch (event) {
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        printf("open %s\n", lws_get_protocol(wsi)->name);
        break;
    case LWS_CALLBACK_CLIENT_RECEIVE: {
        if (lws_is_first_fragment(wsi)) incoming_size = 0;
        if (incoming_size + size > sizeof incoming) return -1;
        memcpy(incoming + incoming_size, in, size);
        incoming_size += size;
        if (!lws_is_final_fragment(wsi)) break;
        cJSON *json = cJSON_ParseWithLength(incoming, incoming_size);
        bool goodbye = take(wsi, json);
        cJSON_Delete(json);
        if (goodbye) {
            code = LWS_CLOSE_STATUS_NORMAL;
            lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
            return -1;
        }
        break;
    }
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return send_next(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (size >= 2) {
            const unsigned char *bytes = in;
            code = bytes[0] << 8 | bytes[1];
            snprintf(reason, sizeof reason, "%.*s", (int)(size - 2), (const char *)in + 2);
        }
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    case LWS_CALLBACK_CLIENT_CLOSED:
        printf("closed %d %s\n", code, reason);
        connected = false;
        break;
    default:
        break;
    }
    return 0;
}

static const struct lws_protocols protocols[] = {{SUBPROTOCOL, on_event, 0, 64 * 1024, 0, NULL, 0}, {0}};
static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; client_no_context_takeover; client_max_window_bits"},
    {0},
};

static void connect_to(struct lws_context *context, const char *url) {
    char copy[256], full[512];
    const char *scheme, *host, *path;
    int port;
    snprintf(copy, sizeof copy, "%s", url);
    if (lws_parse_uri(copy, &scheme, &host, &port, &path)) exit(2);
    int end = snprintf(full, sizeof full, "/%s?client_id=%s&rooms=" ROOM, path, name);
    if (position[0]) snprintf(full + end, sizeof full - (size_t)end, "&resume=%s:%s", epoch, position);
    struct lws_client_connect_info info = {
        .context = context, .address = host, .port = port, .path = full, .host = host, .protocol = SUBPROTOCOL,
    };
    code = 1006;
    reason[0] = 0;
    connected = true;
    if (!lws_client_connect_via_info(&info)) connected = false;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    name = arguments[2];
    setvbuf(stdout, NULL, _IOLBF, 0);
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN, .protocols = protocols, .extensions = extensions,
    };
    struct lws_context *context = lws_create_context(&info);
    if (!context) return 2;
    while (true) {
        connect_to(context, arguments[1]);
        while (connected) lws_service(context, 0);
        if (code == 4500) break;
        if (code == LWS_CLOSE_STATUS_NORMAL) position[0] = 0;
        usleep(200 * 1000);
    }
    lws_context_destroy(context);
    return 0;
}
