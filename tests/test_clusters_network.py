from __future__ import annotations

from ipaddress import IPv4Network

from conformance.clusters.ownership.network import Link, free_subnet, take_number


def test_each_number_has_a_subnet_of_its_own() -> None:
    subnets = [free_subnet(number, []) for number in range(256)]
    assert subnets[0] == IPv4Network("10.213.0.0/30")
    assert len(set(subnets)) == 256


def test_subnet_in_use_on_the_host_is_not_taken() -> None:
    vpn = IPv4Network("10.0.0.0/8")
    assert free_subnet(3, [vpn]) == IPv4Network("198.18.3.0/30")
    assert free_subnet(3, [IPv4Network("10.213.3.200/32")]) == IPv4Network("198.18.3.0/30")
    assert free_subnet(3, [IPv4Network("0.0.0.0/1"), IPv4Network("128.0.0.0/1")]) is None


def test_names_follow_from_the_number() -> None:
    link = Link(4, IPv4Network("10.213.4.0/30"))
    assert (link.host_device, link.cgroup) == ("ssc4h", "ssc-4")
    assert (str(link.gateway), str(link.address)) == ("10.213.4.1", "10.213.4.2")
    assert (str(link.block), str(link.containers)) == ("10.213.4.0/24", "10.213.4.128/25")


def test_number_is_one_process_s_until_it_lets_go() -> None:
    number = 250
    holder = take_number(number)
    assert holder is not None
    assert take_number(number) is None
    holder.close()
    again = take_number(number)
    assert again is not None
    again.close()
