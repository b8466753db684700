/*
 * What Debian's libstdc++ and libgcc ask of glibc and Node and libvips ask of newer releases of libstdc++ and musl, so that programs that
 * were built on Alpine run on Debian's musl. Signatures are those of the libraries that lack them.
 */
#define _GNU_SOURCE
#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

char __libc_single_threaded = 0;

uint32_t arc4random(void) {
  uint32_t value;
  while (getrandom(&value, sizeof value, 0) != sizeof value) {
  }
  return value;
}

size_t __strftime_l(char *text, size_t size, const char *format, const struct tm *time, locale_t locale) {
  return strftime_l(text, size, format, time, locale);
}

/* Found nothing: unwinding then asks dl_iterate_phdr. */
int _dl_find_object(void *address, void *result) { return -1; }

/* No feature of the processor is known. */
unsigned __cpu_model[4];
int __cpu_indicator_init(void) { return 0; }

/* Destructors of a thread's own objects: the last one registered is the first one called. */
struct registered {
  void (*destroy)(void *);
  void *object;
  struct registered *before;
};
static pthread_key_t of_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void destroy_all(void *last) {
  for (struct registered *each = last; each;) {
    struct registered *before = each->before;
    each->destroy(each->object);
    free(each);
    each = before;
  }
}

static void create_key(void) { pthread_key_create(&of_thread, destroy_all); }

int __cxa_thread_atexit_impl(void (*destroy)(void *), void *object, void *library) {
  pthread_once(&once, create_key);
  struct registered *last = malloc(sizeof *last);
  if (!last) return -1;
  last->destroy = destroy;
  last->object = object;
  last->before = pthread_getspecific(of_thread);
  return pthread_setspecific(of_thread, last);
}

/* std::string::_M_replace_cold: at `place`, `count` characters of `text`, which may lie in the string itself, instead of `old`. */
void _ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE15_M_replace_coldEPcmPKcmm(
    void *self, char *place, size_t old, const char *text, size_t count, size_t behind) {
  char *copy = malloc(count + 1);
  if (!copy) abort();
  memcpy(copy, text, count);
  memmove(place + count, place + old, behind);
  memcpy(place, copy, count);
  free(copy);
}

int statx(int folder, const char *path, int flags, unsigned mask, void *result) {
  return (int)syscall(SYS_statx, folder, path, flags, mask, result);
}
