/* Preloaded into a process: fsync and fdatasync fail with EIO while the file named by FAIL_FSYNC exists. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void) {
  const char *flag = getenv("FAIL_FSYNC");
  return flag != NULL && access(flag, F_OK) == 0;
}

int fsync(int fd) {
  if (fails()) { errno = EIO; return -1; }
  return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd) {
  if (fails()) { errno = EIO; return -1; }
  return (int)syscall(SYS_fdatasync, fd);
}
