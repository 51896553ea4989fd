"""Messages about finished jobs, published to moto's SNS and received from moto's SQS."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from glacierkeep.local import LocalGlacier
from support.stub import Answer, a_stub

EVENTS = ["ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"]


def serve(port: int) -> ThreadedMotoServer:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    return server


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where moto's SNS and SQS are."""
    server = serve(0)
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


def aws(service: str, url: str) -> Any:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="us-east-1")
    return session.client(service, endpoint_url=url, config=Config(proxies={}))


@dataclass
class Topic:
    """An SNS topic whose messages fall into an SQS queue."""

    arn: str
    queue: str
    sqs: Any

    def take(self) -> list[Any]:
        """The envelopes that have arrived since."""
        found = []
        while True:
            answer = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=0)
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])

    def jobs(self) -> list[str]:
        """The ids of the jobs that the messages since were about."""
        return [json.loads(envelope["Message"])["JobId"] for envelope in self.take()]


@pytest.fixture
def make_topic(url: str) -> Any:
    sns, sqs = aws("sns", url), aws("sqs", url)

    def make() -> Topic:
        name = uuid4().hex
        arn = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        asked = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=asked["Attributes"]["QueueArn"])
        return Topic(arn, queue, sqs)

    return make


@pytest.fixture
def topic(make_topic: Any) -> Topic:
    made: Topic = make_topic()
    return made


def with_topics(world: Any, url: str) -> Any:
    """A world on the same folder and clock whose service publishes at *url*."""
    service = LocalGlacier(
        world.service.folder, clock=world.clock, realistic=world.service.realistic, sns_endpoint_url=url
    )
    return type(world)(service, world.clock, world.client_of(service))


@pytest.fixture
def telling(world: Any, url: str) -> Iterator[Any]:
    """The default mode, with an SNS."""
    made = with_topics(world, url)
    yield made
    made.service.close()


@pytest.fixture
def slow_telling(slow_world: Any, url: str) -> Iterator[Any]:
    """Realistic mode, with an SNS."""
    made = with_topics(slow_world, url)
    yield made
    made.service.close()


def notify(world: Any, topic: Topic, *events: str) -> None:
    wanted = {"SNSTopic": topic.arn, "Events": list(events)}
    world.client.set_vault_notifications(vaultName="photos", vaultNotificationConfig=wanted)


def start_inventory(world: Any, topic: Topic) -> str:
    wanted = {"Type": "inventory-retrieval", "SNSTopic": topic.arn}
    return str(world.client.initiate_job(vaultName="photos", jobParameters=wanted)["jobId"])


def environment() -> dict[str, str]:
    """What a process needs to find the package."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def waiting(world: Any) -> int:
    """How many messages are still to be sent."""
    with world.service._state.reading() as db:
        return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])


def test_a_jobs_topic_is_told_what_describe_job_says(telling: Any, topic: Topic) -> None:
    """The message is DescribeJob's answer to the letter, nulls included, inside the envelope of SNS."""
    archive = telling.upload(telling.some_bytes(2 * telling.MIB), "holidays")
    job = telling.start_retrieval(archive, SNSTopic=topic.arn, Description="for aunt")
    (envelope,) = topic.take()
    described = telling.send("GET", f"/-/vaults/photos/jobs/{job}")[2].decode()
    assert envelope["Message"] == described
    assert json.loads(described)["StatusCode"] == "Succeeded"
    assert (envelope["Type"], envelope["TopicArn"]) == ("Notification", topic.arn)
    assert envelope["Subject"] == "Notification From Amazon Glacier Service"
    telling.service.tick()
    assert topic.take() == []


def test_a_vaults_topic_is_told_of_archives_and_inventories(telling: Any, topic: Topic) -> None:
    """Both kinds of jobs are told of; an inventory's size is in its message before anyone has asked for it."""
    notify(telling, topic, *EVENTS)
    archive = telling.upload()
    jobs = {telling.start_retrieval(archive), telling.start_inventory()}
    messages = [json.loads(envelope["Message"]) for envelope in topic.take()]
    assert {message["JobId"] for message in messages} == jobs
    sizes = {message["Action"]: message["InventorySizeInBytes"] for message in messages}
    inventory = next(message["JobId"] for message in messages if message["Action"] == "InventoryRetrieval")
    assert sizes == {"ArchiveRetrieval": None, "InventoryRetrieval": len(telling.output(inventory))}


@pytest.mark.parametrize("event", EVENTS)
def test_events_that_are_not_wanted_are_not_told(telling: Any, topic: Topic, event: str) -> None:
    """A vault's topic hears of the kind of jobs it was set for, and of no other."""
    notify(telling, topic, event)
    jobs = {EVENTS[0]: telling.start_retrieval(telling.upload()), EVENTS[1]: telling.start_inventory()}
    assert topic.jobs() == [jobs[event]]
    telling.client.delete_vault_notifications(vaultName="photos")
    telling.start_inventory()
    assert topic.take() == []


def test_both_topics_are_told_but_none_twice(telling: Any, make_topic: Any) -> None:
    """A job's own topic and its vault's each get a message; when they are the same, it gets one."""
    own, shared = make_topic(), make_topic()
    notify(telling, shared, *EVENTS)
    job = start_inventory(telling, own)
    assert (own.jobs(), shared.jobs()) == ([job], [job])
    job = start_inventory(telling, shared)
    assert shared.jobs() == [job]


def test_a_failed_job_is_told_too(slow_telling: Any, topic: Topic) -> None:
    """A job that fails is told of when it completes, with its status."""
    notify(slow_telling, topic, *EVENTS)
    archive = slow_telling.upload()
    job = slow_telling.start_retrieval(archive, Tier="Bulk")
    slow_telling.client.delete_archive(vaultName="photos", archiveId=archive)
    slow_telling.service.advance(timedelta(hours=7, minutes=59))
    assert topic.take() == []
    slow_telling.service.advance(timedelta(minutes=1))
    message = json.loads(topic.take()[0]["Message"])
    assert (message["JobId"], message["Completed"], message["StatusCode"]) == (job, True, "Failed")


def test_time_that_passes_by_itself_is_noticed(slow_telling: Any, topic: Topic) -> None:
    """A message is sent with the next request after the job completed, whatever it is, or by tick()."""
    archive = slow_telling.upload()
    job = slow_telling.start_retrieval(archive, SNSTopic=topic.arn)
    slow_telling.clock.turn(hours=4)
    assert topic.take() == []
    slow_telling.send("GET", "/no/such/thing")
    assert topic.jobs() == [job]
    job = slow_telling.start_retrieval(archive, SNSTopic=topic.arn)
    slow_telling.clock.turn(hours=4)
    slow_telling.service.tick()
    assert topic.jobs() == [job]


def test_a_job_that_has_expired_meanwhile_is_told(slow_telling: Any, topic: Topic) -> None:
    """Turning the clock beyond a job's whole life loses no message."""
    job = slow_telling.start_retrieval(slow_telling.upload(), SNSTopic=topic.arn)
    slow_telling.service.advance(timedelta(days=9))
    assert slow_telling.refusal(slow_telling.describe_job, job_id=job)[0] == 404
    assert topic.jobs() == [job]


def test_without_an_endpoint_messages_wait_for_one(world: Any, url: str, topic: Topic) -> None:
    """An instance that has no SNS leaves what is to be told to one that has."""
    job = start_inventory(world, topic)
    world.service.tick()
    assert (topic.take(), waiting(world)) == ([], 0)
    with closing(with_topics(world, url).service) as service:
        service.tick()
    assert topic.jobs() == [job]


def test_an_endpoint_that_was_lost_is_tried_again(world: Any, topic: Topic) -> None:
    """While nobody answers requests are, and the message waits; once somebody does, tick() sends it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        telling = with_topics(world, f"http://127.0.0.1:{port}")
        jobs = [start_inventory(telling, topic) for _ in range(3)]
        telling.service.tick()
        assert waiting(telling) == 3
    server = serve(port)
    try:
        telling.service.tick()
    finally:
        server.stop()
        telling.service.close()
    assert topic.jobs() == jobs


def test_an_endpoint_in_trouble_is_tried_again(world: Any) -> None:
    """An answer of 503 or 429 keeps the message, and requests leave the endpoint alone for a while."""
    arn = "arn:aws:sns:us-east-1:000000000000:t"
    with a_stub() as sns:
        sns.say(Answer(503), Answer(429), Answer(200))
        telling = with_topics(world, sns.url)
        telling.client.initiate_job(
            vaultName="photos", jobParameters={"Type": "inventory-retrieval", "SNSTopic": arn}
        )
        telling.describe()
        assert (len(sns.asked), waiting(telling)) == (1, 1)
        telling.service.tick()
        assert (len(sns.asked), waiting(telling)) == (2, 1)
        telling.service.tick()
        assert (len(sns.asked), waiting(telling)) == (3, 0)
        telling.service.close()


def test_an_endpoint_lost_for_good_is_given_up(
    world: Any, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    """After a day of the computer's own clock messages are dropped, and the log says so."""
    earlier = "UPDATE messages SET noted = noted - ? WHERE message = 1"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        telling = with_topics(world, f"http://127.0.0.1:{taken.getsockname()[1]}")
        for _ in range(2):
            start_inventory(telling, topic)
        for age, left in ((86_000_000, 2), (400_000, 1)):
            with world.service._state.writing() as db:
                db.execute(earlier, (age,))
            telling.service.tick()
            assert waiting(telling) == left
        telling.service.close()
    assert "tried for a day and are lost: 1" in caplog.text


def test_a_topic_that_is_none_loses_its_message_silently(
    telling: Any, topic: Topic, caplog: pytest.LogCaptureFixture
) -> None:
    """SNS's refusal is nobody's error: it is logged, and later messages go on."""
    lost = Topic(topic.arn + "-gone", "", None)
    with caplog.at_level(logging.WARNING):
        start_inventory(telling, lost)
    assert f"a message to {lost.arn} is lost" in caplog.text
    assert waiting(telling) == 0
    job = start_inventory(telling, topic)
    assert topic.jobs() == [job]


def test_two_instances_send_each_message_once(slow_world: Any, url: str, topic: Topic) -> None:
    """However many share a folder and notice at the same time, each job is told of once."""
    archive = slow_world.upload()
    jobs = [slow_world.start_retrieval(archive, SNSTopic=topic.arn) for _ in range(12)]
    slow_world.service.advance(timedelta(hours=4))
    instances = [with_topics(slow_world, url).service for _ in range(4)]
    barrier = threading.Barrier(len(instances))

    def tick(service: LocalGlacier) -> None:
        barrier.wait()
        service.tick()

    threads = [threading.Thread(target=tick, args=(service,)) for service in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for service in instances:
        service.close()
    assert sorted(topic.jobs()) == sorted(jobs)


TICK = """
import sys
from pathlib import Path
from glacierkeep.local import LocalGlacier
from support.clock import TurnedClock
clock = TurnedClock()
clock.turn(hours=1)
LocalGlacier(Path(sys.argv[1]), clock=clock, sns_endpoint_url=sys.argv[2]).tick()
"""


@pytest.mark.parametrize("minutes", [-1, 2])
def test_what_was_being_sent_at_a_crash_is_sent_again(
    world: Any, url: str, topic: Topic, minutes: int
) -> None:
    """What a killed process had begun to send is left to it for a minute, however the clock is set, then sent."""
    job = start_inventory(world, topic)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        arguments = [sys.executable, "-c", TICK, str(world.service.folder), endpoint]
        with subprocess.Popen(arguments, env=environment()) as process, silent.accept()[0] as connection:
            assert connection.recv(4) == b"POST"
            process.kill()
            process.wait()
    with closing(with_topics(world, url).service) as service:
        service.tick()
        assert (topic.take(), waiting(world)) == ([], 1)
        with world.service._state.writing() as db:
            db.execute("UPDATE messages SET claimed = claimed + ?", (minutes * 60_000,))
        service.tick()
    assert topic.jobs() == [job]


@pytest.mark.parametrize("endpoint", ["sns", "ftp://127.0.0.1", "http://", "127.0.0.1:80"])
def test_an_endpoint_that_is_no_url_is_refused(tmp_path: Path, endpoint: str) -> None:
    """An endpoint that could never be reached is a ValueError of the constructor."""
    with pytest.raises(ValueError, match="SNS endpoint"):
        LocalGlacier(tmp_path / "glacier", sns_endpoint_url=endpoint)


def test_the_users_aws_settings_play_no_part(
    telling: Any, topic: Topic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither profiles, nor files, nor endpoints, nor proxies of the environment change where messages go."""
    (tmp_path / "config").write_text("this is no configuration [")
    for name, value in {
        "AWS_PROFILE": "nowhere",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL_SNS": "http://127.0.0.1:1",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    job = start_inventory(telling, topic)
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() == "http_proxy":
            monkeypatch.delenv(name)
    assert topic.jobs() == [job]


def test_whoever_has_no_topics_does_not_load_botocore(tmp_path: Path) -> None:
    """The service alone needs no package of AWS's."""
    program = (
        "import sys; from pathlib import Path; from glacierkeep.local import LocalGlacier\n"
        "LocalGlacier(Path('glacier'), sns_endpoint_url='http://127.0.0.1:1').tick()\n"
        "assert 'botocore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment())
