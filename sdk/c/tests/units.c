/*
 * The client's machine and its parts with a made-up time. `units` names its tests, one a line; `units NAME` runs one; tests/units.py
 * does both.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gohub/frame.h"
#include "check.h"
#include "parts.h"
#include "stage.h"

static stage world;

static bool has(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static bool is_state(gohub_state state) {
    return gohub_client_state(&world.client) == state;
}

static void hear_ref(const char *form, const char *ref) {
    char json[512];
    (void)snprintf(json, sizeof json, form, ref);
    stage_hear(&world, json);
}

static void the_handshake_says_who_comes_and_keeps_the_token_out_of_the_address(void) {
    stage_begin(&world, NULL);
    world.options.client_id = "al ice/\xc3\xa9";
    world.options.token = "a.b.c";
    CHECK(gohub_client_init(&world.client, &world.options, &world.transport) == GOHUB_OK);
    gohub_client_connect(&world.client);
    stage_accept(&world, NULL);
    CHECK(strncmp(world.request, "GET /ws?client_id=al%20ice%2F%C3%A9 HTTP/1.1\r\nHost: hub:8080\r\n", 61) == 0);
    CHECK(has(world.request, "\r\nAuthorization: Bearer a.b.c\r\n") && has(world.request, "\r\nSec-WebSocket-Version: 13\r\n"));
    CHECK(strcmp(world.request + strlen(world.request) - 4, "\r\n\r\n") == 0);
    world.options.token = "a\r\nX: y";
    CHECK(gohub_client_init(&world.client, &world.options, &world.transport) == GOHUB_BAD_ARGUMENT);
}

static void an_answer_that_does_not_prove_itself_is_no_websocket(void) {
    const char *wrong[] = {
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: s3pPLBMxaQ9kYGzzhZRbK+xOoAA=\r\nSec-WebSocket-Protocol: gohub.v1.json\r\n\r\n"),
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "nonsense\r\n\r\n",
    };
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        stage_begin(&world, NULL);
        gohub_client_connect(&world.client);
        stage_accept(&world, wrong[n]);
        CHECK(is_state(GOHUB_WAITING) && !world.connected && world.opened == 1);
    }
}

static void a_network_that_moves_one_byte_at_a_time_is_enough(void) {
    static stage_answer answer;
    stage_begin(&world, NULL);
    world.piece = 1;
    stage_open(&world);
    CHECK(is_state(GOHUB_OPEN));
    gohub_request request = {stage_done, &answer, 0, NULL, "k", false};
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request) == GOHUB_OK);
    stage_poll(&world);
    CHECK(has(stage_said(&world), "\"message_id\":22,\"room\":\"r\",\"data\":1,\"ref\":\"1\",\"key\":\"k\""));
    hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"offset\":\"2-0\"}", stage_ref(&world));
    CHECK(answer.times == 1 && answer.good);
}

static void fragments_and_what_comes_between_them_are_put_together(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_frame(&world, 0x01, "{\"message_id\":20,", 17);
    stage_frame(&world, 0x89, "are you", 7);
    stage_frame(&world, 0x00, "\"offset\":\"2-0\",", 15);
    stage_frame(&world, 0x80, "\"ts\":1}", 7);
    stage_poll(&world);
    CHECK(stage_count(&world, GOHUB_EVENT_MESSAGE) == 1);
    CHECK(strcmp(stage_said(&world), "are you") == 0 && world.opcode == GOHUB_OPCODE_PONG);
}

static void what_breaks_the_protocol_ends_the_connection_with_the_right_code(void) {
    static const struct {
        uint8_t first;
        const char *payload;
        unsigned code;
    } wrong[] = {
        {0xC1, "{}", 1002}, {0x83, "", 1002}, {0x80, "", 1002}, {0x09, "", 1002}, {0x8B, "", 1002}, {0x81, "\xff", 1007}, {0x88, "x", 1002},
    };
    for (size_t n = 0; n < sizeof wrong / sizeof wrong[0]; n++) {
        stage_begin(&world, NULL);
        stage_open(&world);
        stage_frame(&world, wrong[n].first, wrong[n].payload, strlen(wrong[n].payload));
        stage_poll(&world);
        CHECK(is_state(GOHUB_WAITING) && !world.connected);
        (void)stage_said(&world);
        CHECK(world.opcode == GOHUB_OPCODE_CLOSE);
        CHECK((unsigned)((unsigned char)world.said[0] << 8 | (unsigned char)world.said[1]) == wrong[n].code);
    }
}

static void close_codes_say_whether_to_come_back_and_unknown_ones_count_by_their_range(void) {
    const unsigned stop[] = {1000, 1002, 1003, 1007, 1008, 1010, 4500, 4501, 4506, 4999};
    const unsigned again[] = {1001, 1009, 1011, 1012, 1013, 3000, 4000, 4005, 4007, 4499, 0};
    for (size_t n = 0; n < sizeof stop / sizeof stop[0]; n++) {
        stage_begin(&world, NULL);
        stage_open(&world);
        stage_close(&world, stop[n]);
        CHECK(is_state(GOHUB_STATE_CLOSED) && stage_told(&world, GOHUB_EVENT_CLOSED, 1)->closed == stop[n]);
        CHECK(world.wait == UINT32_MAX);
    }
    for (size_t n = 0; n < sizeof again / sizeof again[0]; n++) {
        stage_begin(&world, NULL);
        stage_open(&world);
        stage_close(&world, again[n]);
        CHECK(is_state(GOHUB_WAITING));
        stage_pass(&world, again[n] == 1013 ? 5501 : 501);
        CHECK(world.opened == 2);
    }
}

static void the_back_off_grows_to_half_a_minute_with_full_jitter(void) {
    uint64_t sum = 0;
    stage_begin(&world, NULL);
    world.refuses = true;
    gohub_client_connect(&world.client);
    stage_poll(&world);
    for (unsigned n = 0; n < 40; n++) {
        uint64_t most = n < 6 ? 500u << n : 30000;
        CHECK(is_state(GOHUB_WAITING) && world.wait <= most);
        sum += n < 6 ? 0 : world.wait;
        world.now += world.wait;
        stage_poll(&world);
        CHECK(world.opened == n + 2);
    }
    CHECK(sum > 34 * 9000 && sum < 34 * 21000);
    CHECK(stage_count(&world, GOHUB_EVENT_TROUBLE) == 1);
}

static void a_drain_names_a_slot_and_new_requests_wait_for_the_next_hub(void) {
    static stage_answer answer;
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_hear(&world, "{\"message_id\":30,\"close_in_ms\":5000,\"reconnect_in_ms\":1234,\"reason\":\"shutdown\"}");
    CHECK(is_state(GOHUB_DRAINED));
    gohub_request request = {stage_done, &answer, 0, NULL, NULL, false};
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request) == GOHUB_OK);
    stage_poll(&world);
    CHECK(stage_said(&world)[0] == 0);
    stage_close(&world, 1012);
    CHECK(world.wait == 1234);
    world.now += 1233;
    stage_poll(&world);
    CHECK(world.opened == 1);
    world.now += 1;
    stage_accept(&world, NULL);
    CHECK(has(world.request, "&resume=e1:1-0 HTTP/1.1"));
    stage_hear(&world, STAGE_WELCOME);
    CHECK(has(stage_said(&world), "\"room\":\"r\"") && answer.times == 0);
}

static void a_hub_that_drains_and_does_not_close_is_left(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_hear(&world, "{\"message_id\":30,\"close_in_ms\":5000,\"reconnect_in_ms\":50}");
    stage_pass(&world, 9999);
    CHECK(is_state(GOHUB_DRAINED));
    stage_pass(&world, 100);
    CHECK(world.opened == 2);
}

static void a_retry_keeps_everything_back_but_pongs(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_hear(&world, "{\"message_id\":33,\"after_ms\":2500}");
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), NULL) == GOHUB_OK);
    stage_hear(&world, "{\"message_id\":1,\"ref\":\"p\"}");
    CHECK(strcmp(stage_said(&world), "{\"message_id\":2,\"ref\":\"p\"}") == 0);
    stage_pass(&world, 2499);
    CHECK(stage_said(&world)[0] == 0);
    stage_pass(&world, 1);
    CHECK(has(stage_said(&world), "\"room\":\"r\""));
}

static void a_hub_that_refuses_says_when_to_come(void) {
    stage_begin(&world, NULL);
    gohub_client_connect(&world.client);
    stage_accept(&world, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n\r\n");
    CHECK(is_state(GOHUB_WAITING) && world.wait >= 7000 && world.wait < 8000);
    stage_begin(&world, NULL);
    gohub_client_connect(&world.client);
    stage_accept(&world, "HTTP/1.1 403 Forbidden\r\n\r\n");
    CHECK(is_state(GOHUB_STATE_CLOSED) && stage_told(&world, GOHUB_EVENT_CLOSED, 1)->closed == 403);
}

static void ask_for_tokens(gohub_options *options) {
    options->ask_token = true;
}

static void a_refused_token_is_asked_for_anew_only_when_it_is_an_old_one(void) {
    stage_begin(&world, ask_for_tokens);
    gohub_client_connect(&world.client);
    stage_poll(&world);
    CHECK(stage_count(&world, GOHUB_EVENT_ASK_TOKEN) == 1 && world.opened == 0);
    CHECK(gohub_client_token(&world.client, "one") == GOHUB_OK);
    stage_accept(&world, NULL);
    stage_hear(&world, STAGE_WELCOME);
    stage_close(&world, 0);
    stage_pass(&world, 501);
    stage_accept(&world, "HTTP/1.1 401 Unauthorized\r\n\r\n");
    stage_pass(&world, 1001);
    CHECK(stage_count(&world, GOHUB_EVENT_ASK_TOKEN) == 2);
    CHECK(gohub_client_token(&world.client, "two") == GOHUB_OK);
    stage_accept(&world, "HTTP/1.1 401 Unauthorized\r\n\r\n");
    CHECK(is_state(GOHUB_STATE_CLOSED) && has(world.request, "Bearer two"));
    CHECK(gohub_client_token(&world.client, "three") == GOHUB_BAD_ARGUMENT);
}

static void a_token_that_ends_is_replaced_on_the_living_connection(void) {
    stage_begin(&world, ask_for_tokens);
    gohub_client_connect(&world.client);
    stage_poll(&world);
    CHECK(gohub_client_token(&world.client, "one") == GOHUB_OK);
    stage_accept(&world, NULL);
    stage_hear(&world, STAGE_WELCOME);
    CHECK(gohub_client_join(&world.client, "news", NULL, NULL) == GOHUB_OK);
    stage_poll(&world);
    (void)stage_said(&world);
    hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"offset\":\"1-0\"}", stage_ref(&world));
    CHECK(gohub_client_inside(&world.client, "news"));
    stage_hear(&world, "{\"message_id\":6,\"close_in_ms\":60000}");
    CHECK(stage_count(&world, GOHUB_EVENT_ASK_TOKEN) == 2);
    gohub_client_no_token(&world.client);
    stage_pass(&world, 5000);
    CHECK(stage_count(&world, GOHUB_EVENT_ASK_TOKEN) == 3 && stage_told(&world, GOHUB_EVENT_ERROR, 1)->code == GOHUB_TOKEN);
    CHECK(gohub_client_token(&world.client, "two") == GOHUB_OK);
    stage_poll(&world);
    CHECK(has(stage_said(&world), "\"message_id\":6,\"ref\":\"2\",\"token\":\"two\""));
    hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"data\":{\"expires_in_ms\":9,\"left\":[\"n\\u0065ws\",\"other\"]}}", stage_ref(&world));
    CHECK(strcmp(stage_told(&world, GOHUB_EVENT_LEFT, 1)->room, "news") == 0 && !gohub_client_inside(&world.client, "news"));
}

static void a_silent_hub_is_pinged_and_left_when_it_does_not_answer(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_pass(&world, 34999);
    CHECK(stage_said(&world)[0] == 0);
    stage_pass(&world, 1);
    CHECK(has(stage_said(&world), "{\"message_id\":1,\"ref\":"));
    hear_ref("{\"message_id\":2,\"ref\":\"%s\",\"offset\":\"5-0\"}", stage_ref(&world));
    gohub_offset position;
    CHECK(gohub_client_position(&world.client, &position) && position.major == 5);
    stage_pass(&world, 35000);
    CHECK(has(stage_said(&world), "{\"message_id\":1,\"ref\":"));
    stage_pass(&world, 9999);
    CHECK(is_state(GOHUB_OPEN));
    stage_pass(&world, 2);
    CHECK(is_state(GOHUB_WAITING) || world.opened == 2);
}

static void a_device_that_slept_gives_up_nobody_without_looking_at_what_came(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_pass(&world, 35000);
    (void)stage_said(&world);
    world.now += 3600000;
    stage_poll(&world);
    CHECK(is_state(GOHUB_OPEN) && world.wait > 0 && world.wait <= 1000);
    hear_ref("{\"message_id\":2,\"ref\":\"%s\"}", stage_ref(&world));
    stage_pass(&world, 5000);
    CHECK(is_state(GOHUB_OPEN));
    gohub_client_wake(&world.client);
    world.now += 10000;
    stage_poll(&world);
    CHECK(has(stage_said(&world), "\"message_id\":1,"));
}

static void a_ticket_opens_the_door_once_and_is_renewed_in_time(void) {
    stage_begin(&world, NULL);
    gohub_client_connect(&world.client);
    stage_accept(&world, NULL);
    stage_hear(&world, "{\"message_id\":3,\"client_id\":\"a\",\"epoch\":\"e1\",\"offset\":\"1-0\",\"heartbeat_interval_ms\":0,"
                       "\"heartbeat_timeout_ms\":90000,\"ticket\":\"T1-_\",\"ticket_life_ms\":40000}");
    stage_pass(&world, 20000);
    CHECK(has(stage_said(&world), "\"message_id\":1,"));
    hear_ref("{\"message_id\":2,\"ref\":\"%s\",\"ticket\":\"T2\"}", stage_ref(&world));
    stage_close(&world, 0);
    stage_pass(&world, 501);
    stage_accept(&world, "HTTP/1.1 503 Full\r\n\r\n");
    CHECK(has(world.request, "&ticket=T2 "));
    stage_pass(&world, 1001);
    stage_accept(&world, NULL);
    CHECK(!has(world.request, "ticket"));
}

static void an_error_that_may_pass_is_tried_again_until_the_requests_time_is_over(void) {
    static stage_answer answer;
    unsigned tries = 0;
    stage_begin(&world, NULL);
    stage_open(&world);
    gohub_request request = {stage_done, &answer, 3000, NULL, NULL, false};
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request) == GOHUB_OK);
    for (unsigned n = 0; n < 3100 && answer.times == 0; n++) {
        stage_pass(&world, 1);
        if (stage_said(&world)[0] != 0) {
            tries++;
            hear_ref("{\"message_id\":5,\"ref\":\"%s\",\"code\":\"overloaded\",\"retryable\":true}", stage_ref(&world));
        }
    }
    CHECK(tries > 1 && answer.times == 1 && !answer.good && answer.code == GOHUB_OVERLOADED && !answer.uncertain);
}

static void a_request_without_an_answer_says_that_nobody_knows(void) {
    static stage_answer sent, kept;
    stage_begin(&world, NULL);
    stage_open(&world);
    gohub_request request = {stage_done, &sent, 1000, NULL, NULL, false};
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request) == GOHUB_OK);
    stage_poll(&world);
    stage_hear(&world, "{\"message_id\":33,\"after_ms\":5000}");
    request.context = &kept;
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("2"), &request) == GOHUB_OK);
    stage_pass(&world, 1000);
    CHECK(sent.times == 1 && sent.code == GOHUB_NO_ANSWER && sent.uncertain);
    CHECK(kept.times == 1 && kept.code == GOHUB_NO_ANSWER && !kept.uncertain);
}

static void a_room_the_hub_left_out_is_asked_for_and_its_answer_counts(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    CHECK(gohub_client_join(&world.client, "one", NULL, NULL) == GOHUB_OK);
    stage_poll(&world);
    (void)stage_said(&world);
    hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"offset\":\"1-0\"}", stage_ref(&world));
    stage_hear(&world, "{\"message_id\":22,\"room\":\"one\",\"ts\":1,\"offset\":\"7-0\"}");
    stage_close(&world, 0);
    stage_pass(&world, 501);
    stage_accept(&world, NULL);
    CHECK(has(world.request, "&resume=e1:7-0&rooms=one "));
    stage_hear(&world, STAGE_WELCOME);
    CHECK(has(stage_said(&world), "\"message_id\":10,\"room\":\"one\"") && has(world.said, "\"from_offset\":\"7-0\""));
    hear_ref("{\"message_id\":5,\"ref\":\"%s\",\"code\":\"forbidden\",\"retryable\":false,\"message\":\"no history\"}", stage_ref(&world));
    CHECK(has(stage_said(&world), "\"message_id\":10,\"room\":\"one\"") && !has(world.said, "from_offset"));
    hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"offset\":\"9-0\"}", stage_ref(&world));
    const stage_event *gap = stage_told(&world, GOHUB_EVENT_GAP, 1);
    CHECK(gap != NULL && gap->reason == GOHUB_GAP_UNSPECIFIED && strcmp(gap->room, "one") == 0);
    CHECK(gohub_client_inside(&world.client, "one"));
    stage_close(&world, 0);
    stage_pass(&world, 1001);
    stage_accept(&world, NULL);
    stage_hear(&world, STAGE_WELCOME);
    (void)stage_said(&world);
    hear_ref("{\"message_id\":5,\"ref\":\"%s\",\"code\":\"forbidden\",\"retryable\":false}", stage_ref(&world));
    (void)stage_said(&world);
    hear_ref("{\"message_id\":5,\"ref\":\"%s\",\"code\":\"forbidden\",\"retryable\":false}", stage_ref(&world));
    CHECK(stage_count(&world, GOHUB_EVENT_LEFT) == 1 && !gohub_client_inside(&world.client, "one"));
}

static void a_position_grows_and_starts_anew_with_another_epoch(void) {
    gohub_offset position;
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_hear(&world, "{\"message_id\":20,\"ts\":1,\"offset\":\"9-4\"}");
    stage_hear(&world, "{\"message_id\":20,\"ts\":1,\"offset\":\"9-3\"}");
    CHECK(gohub_client_position(&world.client, &position) && position.major == 9 && position.minor == 4);
    stage_hear(&world, "{\"message_id\":31,\"from\":\"9-5\",\"to\":\"20-0\",\"room\":\"r\",\"reason\":\"expired\"}");
    CHECK(gohub_client_position(&world.client, &position) && position.major == 9);
    stage_hear(&world, "{\"message_id\":31,\"from\":\"9-5\",\"to\":\"20-0\",\"offset\":\"12-0\",\"reason\":\"conflated\"}");
    CHECK(gohub_client_position(&world.client, &position) && position.major == 12);
    stage_hear(&world, "{\"message_id\":31,\"from\":\"12-1\",\"to\":\"20-0\",\"reason\":\"a later version's\"}");
    CHECK(gohub_client_position(&world.client, &position) && position.major == 20);
    CHECK(stage_told(&world, GOHUB_EVENT_GAP, 3)->reason == GOHUB_GAP_UNSPECIFIED);
    stage_hear(&world, "{\"message_id\":3,\"client_id\":\"alice\",\"epoch\":\"e2\",\"offset\":\"2-0\",\"recovered\":false,\"rooms\":[]}");
    CHECK(gohub_client_position(&world.client, &position) && position.major == 2);
    CHECK(stage_told(&world, GOHUB_EVENT_WELCOME, 2)->resumed);
}

static void what_a_later_version_says_and_what_is_unreadable_harms_nothing(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    stage_hear(&world, "{\"message_id\":77,\"new\":[{\"a\":1}]}");
    CHECK(stage_count(&world, GOHUB_EVENT_ERROR) == 0);
    stage_hear(&world, "{\"message_id\":\"1\"}");
    stage_hear(&world, "[]");
    stage_frame(&world, 0x82, "\xa1\x00\x01", 3);
    stage_poll(&world);
    CHECK(stage_count(&world, GOHUB_EVENT_ERROR) == 3 && is_state(GOHUB_OPEN));
}

static void pings_without_end_are_answered_without_end_and_leave_the_loop_in_between(void) {
    stage_begin(&world, NULL);
    stage_open(&world);
    world.out_at = world.out_size = STAGE_BYTES;
    for (unsigned n = 0; n < 2000; n++) {
        stage_frame(&world, 0x89, "p", 1);
        stage_frame(&world, 0x81, "{\"message_id\":1}", 16);
    }
    for (unsigned n = 0; n < 100; n++) {
        (void)gohub_client_poll(&world.client);
    }
    /* The network takes nothing: neither does the client, and nothing is lost. */
    CHECK(world.in_at < world.in_size && is_state(GOHUB_OPEN));
    world.out_at = world.out_size = 0;
    stage_poll(&world);
    unsigned answered = 0;
    while (stage_said(&world)[0] != 0) {
        answered += world.opcode == GOHUB_OPCODE_TEXT ? 1 : 0;
    }
    CHECK(answered == 2000 && world.in_at == world.in_size);
}

static void who_is_told_may_ask_for_something_new(void *context, const gohub_answer *answer) {
    unsigned *left = context;
    (void)answer;
    if (*left > 0) {
        --*left;
        gohub_request request = {who_is_told_may_ask_for_something_new, left, 0, NULL, NULL, false};
        (void)gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request);
    }
}

static void callbacks_may_call_the_client(void) {
    static unsigned left = 5;
    stage_begin(&world, NULL);
    stage_open(&world);
    gohub_request request = {who_is_told_may_ask_for_something_new, &left, 0, NULL, NULL, false};
    CHECK(gohub_client_publish(&world.client, "r", gohub_data_json("1"), &request) == GOHUB_OK);
    stage_poll(&world);
    for (unsigned n = 0; n < 6; n++) {
        CHECK(has(stage_said(&world), "\"data\":1"));
        hear_ref("{\"message_id\":4,\"ref\":\"%s\",\"offset\":\"2-0\"}", stage_ref(&world));
    }
    CHECK(left == 0 && stage_said(&world)[0] == 0);
}

#define TEST(name) {#name, name}
static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    TEST(a_key_and_its_accept_are_those_of_the_rfc),
    TEST(base64_is_read_as_it_was_written_and_nothing_else_is),
    TEST(an_address_is_taken_apart_and_a_wrong_one_is_refused),
    TEST(utf8_is_what_the_rfc_calls_so),
    TEST(the_handshake_says_who_comes_and_keeps_the_token_out_of_the_address),
    TEST(an_answer_that_does_not_prove_itself_is_no_websocket),
    TEST(a_network_that_moves_one_byte_at_a_time_is_enough),
    TEST(fragments_and_what_comes_between_them_are_put_together),
    TEST(what_breaks_the_protocol_ends_the_connection_with_the_right_code),
    TEST(close_codes_say_whether_to_come_back_and_unknown_ones_count_by_their_range),
    TEST(the_back_off_grows_to_half_a_minute_with_full_jitter),
    TEST(a_drain_names_a_slot_and_new_requests_wait_for_the_next_hub),
    TEST(a_hub_that_drains_and_does_not_close_is_left),
    TEST(a_retry_keeps_everything_back_but_pongs),
    TEST(a_hub_that_refuses_says_when_to_come),
    TEST(a_refused_token_is_asked_for_anew_only_when_it_is_an_old_one),
    TEST(a_token_that_ends_is_replaced_on_the_living_connection),
    TEST(a_silent_hub_is_pinged_and_left_when_it_does_not_answer),
    TEST(a_device_that_slept_gives_up_nobody_without_looking_at_what_came),
    TEST(a_ticket_opens_the_door_once_and_is_renewed_in_time),
    TEST(an_error_that_may_pass_is_tried_again_until_the_requests_time_is_over),
    TEST(a_request_without_an_answer_says_that_nobody_knows),
    TEST(a_room_the_hub_left_out_is_asked_for_and_its_answer_counts),
    TEST(a_position_grows_and_starts_anew_with_another_epoch),
    TEST(what_a_later_version_says_and_what_is_unreadable_harms_nothing),
    TEST(pings_without_end_are_answered_without_end_and_leave_the_loop_in_between),
    TEST(callbacks_may_call_the_client),
};

int main(int count, char **words) {
    for (size_t n = 0; n < sizeof tests / sizeof tests[0]; n++) {
        if (count < 2) {
            printf("%s\n", tests[n].name);
        } else if (strcmp(words[1], tests[n].name) == 0) {
            tests[n].run();
        }
    }
    return 0;
}
