/* What leads from the guest to the host: a virtual HCI controller over a virtio port, D-Bus over TCP.
 *
 *   bridge hci PORT          each time the host connects to PORT, an adapter by /dev/vhci, until it hangs up
 *   bridge dbus TCP SOCKET   each TCP connection is one to the unix socket
 *
 * Both return when they are ready, and go on in the background. Whatever fails ends them.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static unsigned char octets[65536];

static int sure(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
	return result;
}

static void into_background(void)
{
	if (sure(fork(), "fork") > 0)
		exit(0);
}

static int put(int to, const unsigned char *from, size_t count)
{
	while (count > 0) {
		ssize_t done = write(to, from, count);
		if (done <= 0)
			return -1;
		from += done;
		count -= done;
	}
	return 0;
}

/* The length of the H4 packet that begins there: 0 while its header is not complete. */
static size_t packet(const unsigned char *at, size_t count)
{
	if (count < 5)
		return count >= 3 && at[0] == 4 ? 3 + at[2] : 0;
	switch (at[0]) {
	case 2: /* ACL data */
	case 5: /* ISO data */
		return 5 + at[3] + 256 * at[4];
	case 4: /* event */
		return 3 + at[2];
	default: /* command, SCO data */
		return 4 + at[3];
	}
}

static void one_adapter(int port)
{
	static const unsigned char create[] = {0xff, 0x00};
	int vhci = sure(open("/dev/vhci", O_RDWR), "/dev/vhci");
	struct pollfd ends[] = {{port, POLLIN, 0}, {vhci, POLLIN, 0}};
	unsigned char kept[sizeof octets];
	size_t have = 0;

	sure(put(vhci, create, sizeof create), "create");
	for (;;) {
		sure(poll(ends, 2, -1), "poll");
		if (ends[1].revents & POLLIN) {
			ssize_t got = read(vhci, octets, sizeof octets);
			/* 0xff tells its index, which is not for the controller. */
			if (got <= 0 || (octets[0] != 0xff && put(port, octets, got) < 0))
				break;
		}
		if (ends[0].revents & POLLHUP)
			break;
		if (ends[0].revents & POLLIN) {
			ssize_t got = read(port, kept + have, sizeof kept - have);
			size_t length, done = 0;
			if (got <= 0)
				break;
			have += got;
			/* Each write to /dev/vhci must be exactly one packet. */
			while ((length = packet(kept + done, have - done)) && length <= have - done) {
				if (put(vhci, kept + done, length) < 0)
					break;
				done += length;
			}
			memmove(kept, kept + done, have -= done);
		}
	}
	close(vhci);
}

static void hci(const char *path)
{
	int port = sure(open(path, O_RDWR), path);
	struct pollfd end = {port, POLLIN, 0};

	into_background();
	for (;;) {
		/* Without its controller a new adapter would time out in its first command. */
		poll(&end, 1, 0);
		if (end.revents & POLLHUP)
			usleep(10000);
		else
			one_adapter(port);
	}
}

static void relay(int one, int other)
{
	struct pollfd ends[] = {{one, POLLIN, 0}, {other, POLLIN, 0}};

	for (;;) {
		sure(poll(ends, 2, -1), "poll");
		for (int i = 0; i < 2; i++) {
			if (ends[i].revents) {
				ssize_t got = read(ends[i].fd, octets, sizeof octets);
				if (got <= 0 || put(ends[1 - i].fd, octets, got) < 0)
					return;
			}
		}
	}
}

static void dbus(int port, const char *path)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_un there = {.sun_family = AF_UNIX};
	int yes = 1, listening = sure(socket(AF_INET, SOCK_STREAM, 0), "socket");

	strncpy(there.sun_path, path, sizeof there.sun_path - 1);
	setsockopt(listening, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	sure(bind(listening, (struct sockaddr *)&here, sizeof here), "bind");
	sure(listen(listening, 16), "listen");
	into_background();
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int client = sure(accept(listening, NULL, NULL), "accept");
		if (sure(fork(), "fork") == 0) {
			int bus = sure(socket(AF_UNIX, SOCK_STREAM, 0), "socket");
			sure(connect(bus, (struct sockaddr *)&there, sizeof there), path);
			relay(client, bus);
			exit(0);
		}
		close(client);
	}
}

int main(int count, char **words)
{
	if (count == 3 && !strcmp(words[1], "hci"))
		hci(words[2]);
	if (count == 4 && !strcmp(words[1], "dbus"))
		dbus(atoi(words[2]), words[3]);
	fprintf(stderr, "usage: bridge hci PORT | bridge dbus TCP SOCKET\n");
	return 2;
}
