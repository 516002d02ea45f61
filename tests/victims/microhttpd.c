/* SPDX-License-Identifier: MIT */
/*
 * A web server on libmicrohttpd: plain, or with TLS by GnuTLS. A large file goes by sendfile.
 *
 * usage: microhttpd PORT DIR [KEY CERTIFICATE]     ends when standard input ends
 *
 * Answers as tests/integration/servers/ do: /hello, /large (the file DIR/large), /stream (chunked),
 * /echo, and 404 for all else.
 */
#include <fcntl.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STREAMED (3 * 65536)

struct upload {
    char *data;
    size_t n;
};

static const char *dir;
static char hello[] = "hello";

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static char *whole_file(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    char *text = calloc(1, (size_t)st.st_size + 1);
    if (text == NULL || read(fd, text, (size_t)st.st_size) != st.st_size)
        die(path);
    close(fd);
    return text;
}

static ssize_t more(void *unused, uint64_t at, char *buffer, size_t room)
{
    (void)unused;
    if (at >= STREAMED)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t n = room < STREAMED - at ? room : (size_t)(STREAMED - at);
    memset(buffer, 'x', n);
    return (ssize_t)n;
}

static struct MHD_Response *large(void)
{
    char path[4096];
    struct stat st;
    snprintf(path, sizeof(path), "%s/large", dir);
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) != 0)
        die(path);
    return MHD_create_response_from_fd((size_t)st.st_size, fd);
}

static struct MHD_Response *response_for(const char *path, const struct upload *upload,
                                         unsigned *status)
{
    *status = MHD_HTTP_OK;
    if (strcmp(path, "/hello") == 0)
        return MHD_create_response_from_buffer(5, hello, MHD_RESPMEM_PERSISTENT);
    if (strcmp(path, "/large") == 0)
        return large();
    if (strcmp(path, "/stream") == 0)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 32768, more, NULL, NULL);
    if (strcmp(path, "/echo") == 0)
        return MHD_create_response_from_buffer(upload->n, upload->data, MHD_RESPMEM_MUST_COPY);
    *status = MHD_HTTP_NOT_FOUND;
    return MHD_create_response_from_buffer(0, hello, MHD_RESPMEM_PERSISTENT);
}

static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *path,
                              const char *method, const char *version, const char *data, size_t *n,
                              void **context)
{
    struct upload *upload = *context;
    unsigned status;
    (void)unused;
    (void)method;
    (void)version;
    if (upload == NULL) {
        *context = calloc(1, sizeof(*upload));
        return *context != NULL ? MHD_YES : MHD_NO;
    }
    if (*n > 0) {
        upload->data = realloc(upload->data, upload->n + *n);
        if (upload->data == NULL)
            die("realloc");
        memcpy(upload->data + upload->n, data, *n);
        upload->n += *n;
        *n = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = response_for(path, upload, &status);
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static void completed(void *unused, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode code)
{
    struct upload *upload = *context;
    (void)unused;
    (void)connection;
    (void)code;
    if (upload != NULL)
        free(upload->data);
    free(upload);
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: microhttpd PORT DIR [KEY CERTIFICATE]\n");
        return 64;
    }
    bool tls = argc == 5;
    char byte;
    dir = argv[2];
    char *key = tls ? whole_file(argv[3]) : NULL;
    char *certificate = tls ? whole_file(argv[4]) : NULL;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | (tls ? MHD_USE_TLS : 0), (uint16_t)atoi(argv[1]), NULL,
        NULL, handle, NULL, MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_NOTIFY_COMPLETED, completed,
        NULL, tls ? MHD_OPTION_HTTPS_MEM_KEY : MHD_OPTION_END, key, MHD_OPTION_HTTPS_MEM_CERT,
        certificate, MHD_OPTION_END);
    if (daemon == NULL)
        die("MHD_start_daemon");
    while (read(0, &byte, 1) > 0)
        ;
    MHD_stop_daemon(daemon);
    free(key);
    free(certificate);
    return 0;
}
