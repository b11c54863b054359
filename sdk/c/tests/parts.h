/* Tests of the parts that know nothing of a connection. */
#ifndef GOHUB_TEST_PARTS_H
#define GOHUB_TEST_PARTS_H

void a_key_and_its_accept_are_those_of_the_rfc(void);
void base64_is_read_as_it_was_written_and_nothing_else_is(void);
void an_address_is_taken_apart_and_a_wrong_one_is_refused(void);
void utf8_is_what_the_rfc_calls_so(void);

#endif
