/* SPDX-License-Identifier: MIT */
/*
 * Wrappers of libpq's large objects: each asks the server for a function or several, by calls of
 * libpq's own that are no events. See pq_exec.c for what a wrapper is.
 */
#include "hooks/hooks.h"
#include "observe/query.h"

SPY_EXPORT int lo_open(PGconn *conn, Oid object, int mode)
{
    SPY_PASS(lo_open, conn, conn, object, mode);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_OPEN);
    int result = SPY_REAL(pq, lo_open)(conn, object, mode);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT int lo_close(PGconn *conn, int fd)
{
    SPY_PASS(lo_close, conn, conn, fd);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_CLOSE);
    int result = SPY_REAL(pq, lo_close)(conn, fd);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT int lo_read(PGconn *conn, int fd, char *buffer, size_t n)
{
    SPY_PASS(lo_read, conn, conn, fd, buffer, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_READ);
    int result = SPY_REAL(pq, lo_read)(conn, fd, buffer, n);
    spy_query_end_own(&call, result<0, result> 0 ? (uint64_t)result : 0, 0);
    return result;
}

SPY_EXPORT int lo_write(PGconn *conn, int fd, const char *buffer, size_t n)
{
    SPY_PASS(lo_write, conn, conn, fd, buffer, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_WRITE);
    int result = SPY_REAL(pq, lo_write)(conn, fd, buffer, n);
    spy_query_end_own(&call, result<0, 0, result> 0 ? (uint64_t)result : 0);
    return result;
}

SPY_EXPORT int lo_lseek(PGconn *conn, int fd, int offset, int whence)
{
    SPY_PASS(lo_lseek, conn, conn, fd, offset, whence);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_SEEK);
    int result = SPY_REAL(pq, lo_lseek)(conn, fd, offset, whence);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT pg_int64 lo_lseek64(PGconn *conn, int fd, pg_int64 offset, int whence)
{
    SPY_PASS(lo_lseek64, conn, conn, fd, offset, whence);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_SEEK);
    pg_int64 result = SPY_REAL(pq, lo_lseek64)(conn, fd, offset, whence);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT int lo_tell(PGconn *conn, int fd)
{
    SPY_PASS(lo_tell, conn, conn, fd);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_SEEK);
    int result = SPY_REAL(pq, lo_tell)(conn, fd);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT pg_int64 lo_tell64(PGconn *conn, int fd)
{
    SPY_PASS(lo_tell64, conn, conn, fd);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_SEEK);
    pg_int64 result = SPY_REAL(pq, lo_tell64)(conn, fd);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT int lo_truncate(PGconn *conn, int fd, size_t n)
{
    SPY_PASS(lo_truncate, conn, conn, fd, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_TRUNCATE);
    int result = SPY_REAL(pq, lo_truncate)(conn, fd, n);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT int lo_truncate64(PGconn *conn, int fd, pg_int64 n)
{
    SPY_PASS(lo_truncate64, conn, conn, fd, n);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_TRUNCATE);
    int result = SPY_REAL(pq, lo_truncate64)(conn, fd, n);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT Oid lo_creat(PGconn *conn, int mode)
{
    SPY_PASS(lo_creat, conn, conn, mode);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return InvalidOid;
    spy_query_own(&call, SPY_BUILTIN_LO_CREATE);
    Oid result = SPY_REAL(pq, lo_creat)(conn, mode);
    spy_query_end_own(&call, result == InvalidOid, 0, 0);
    return result;
}

SPY_EXPORT Oid lo_create(PGconn *conn, Oid object)
{
    SPY_PASS(lo_create, conn, conn, object);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return InvalidOid;
    spy_query_own(&call, SPY_BUILTIN_LO_CREATE);
    Oid result = SPY_REAL(pq, lo_create)(conn, object);
    spy_query_end_own(&call, result == InvalidOid, 0, 0);
    return result;
}

SPY_EXPORT int lo_unlink(PGconn *conn, Oid object)
{
    SPY_PASS(lo_unlink, conn, conn, object);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_UNLINK);
    int result = SPY_REAL(pq, lo_unlink)(conn, object);
    spy_query_end_own(&call, result < 0, 0, 0);
    return result;
}

SPY_EXPORT Oid lo_import(PGconn *conn, const char *path)
{
    SPY_PASS(lo_import, conn, conn, path);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return InvalidOid;
    spy_query_own(&call, SPY_BUILTIN_LO_IMPORT);
    Oid result = SPY_REAL(pq, lo_import)(conn, path);
    spy_query_end_own(&call, result == InvalidOid, 0, 0);
    return result;
}

SPY_EXPORT Oid lo_import_with_oid(PGconn *conn, const char *path, Oid object)
{
    SPY_PASS(lo_import_with_oid, conn, conn, path, object);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return InvalidOid;
    spy_query_own(&call, SPY_BUILTIN_LO_IMPORT);
    Oid result = SPY_REAL(pq, lo_import_with_oid)(conn, path, object);
    spy_query_end_own(&call, result == InvalidOid, 0, 0);
    return result;
}

SPY_EXPORT int lo_export(PGconn *conn, Oid object, const char *path)
{
    SPY_PASS(lo_export, conn, conn, object, path);
    struct spy_query call;
    const struct spy_libpq *pq = spy_query_begin(&call, conn, SPY_CALLER(), SPY_FRAME());
    if (pq == NULL)
        return -1;
    spy_query_own(&call, SPY_BUILTIN_LO_EXPORT);
    int result = SPY_REAL(pq, lo_export)(conn, object, path);
    spy_query_end_own(&call, result != 1, 0, 0);
    return result;
}
