"""Tests of the virtual radio's rooms, over BlueZ in real time: what holds there holds here."""

import pytest
from tests.ble import test_connector, test_link, test_scanner
from tests.ble import test_what_bluez_does as does
from tests.scenarios import test_lost_links, test_the_end_of_a_daemon, test_whole_sessions

from retrowalk.core.model import Characteristic, Notified, Written

pytestmark = pytest.mark.bluez


async def test_a_whole_session(room, marker) -> None:
    await test_whole_sessions.test_a_session_goes_from_the_offer_to_the_end(room, marker, "spec")


async def test_early_indications(tread, open_link, posted, soon) -> None:
    """bleak hears the one and the other on D-Bus connections of their own: each once, in whatever order."""
    told = await test_link.answered_early(tread, open_link, posted, soon)
    assert len(told) == 2
    assert set(told) == {Notified(1, Characteristic.CONTROL_POINT, test_link.STOPPED), Written(1, 1)}


test_scanning = test_scanner.test_a_scan_merges_the_advertisement_with_the_scan_response
test_still_connected = test_scanner.test_a_machine_that_is_connected_already_is_found_though_it_is_silent

test_opening = test_link.test_an_open_link_has_posted_the_machine_and_nothing_else
test_opening_again = test_link.test_a_known_machine_is_not_read_again
test_subscribing = test_link.test_the_control_point_is_subscribed_to_by_what_it_offers
test_notifications = test_link.test_notifications_of_every_kind_are_posted_as_octets
test_early_notifications = test_link.test_a_notification_during_set_up_comes_after_connected
test_writing = test_link.test_a_write_reaches_the_treadmill_and_is_reported_with_its_ticket
test_write_commands = test_link.test_a_machine_without_write_requests_gets_write_commands
test_loss = test_link.test_a_lost_link_is_posted_once_after_the_writes_it_took_along
test_loss_in_set_up = test_link.test_losing_the_link_during_set_up_raises_and_posts_nothing
test_closing = test_link.test_closing_during_a_pending_write_fails_it_and_hangs_up
test_unreadable = test_link.test_a_characteristic_that_cannot_be_read_is_as_if_it_were_not_there
test_no_treadmill = test_link.test_a_machine_without_treadmill_data_is_refused_in_a_sentence
test_no_control_point = test_link.test_a_write_to_a_machine_without_a_control_point_fails_by_name

test_notifications_after_a_loss = test_connector.test_a_notification_comes_once_after_a_loss
test_no_answer = does.test_a_request_that_is_never_answered_costs_the_link_and_not_the_next_one
test_a_demand_for_pairing = does.test_a_request_that_is_answered_by_a_demand_for_pairing_fails
test_att_errors = does.test_an_att_error_is_told_by_its_number_and_leaves_the_link
test_write_cut_off = does.test_a_write_that_meets_our_own_hanging_up_is_a_loss
test_hanging_up = does.test_our_own_hanging_up_is_told_once_and_waited_for
test_an_absent_machine = does.test_an_attempt_on_an_absent_machine_is_no_hindrance_when_it_is_back

test_searching_at_once = does.test_a_process_may_search_once_at_a_time_so_all_who_look_share_one_search

test_short_loss = test_lost_links.test_the_belt_stops_within_seconds_of_a_short_loss
test_told_to_end = test_the_end_of_a_daemon.test_told_to_end_it_stops_the_belt_and_waits_for_rest
test_killed_and_started = test_the_end_of_a_daemon.test_killed_and_started_again_it_stops_the_belt_first
