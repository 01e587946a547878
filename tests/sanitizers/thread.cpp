// Only in ThreadSanitizer builds. Debian's librdkafka uses C11 threads, which ThreadSanitizer does not know: a thread made by thrd_create crashes in
// the first call that it intercepts, and a mtx_t orders nothing in its eyes. So C11's functions are defined here in terms of POSIX's, which it
// knows; glibc's types are made to fit (mtx_t is a pthread_mutex_t inside, cnd_t a pthread_cond_t).

#include <pthread.h>
#include <threads.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <memory>

namespace {

pthread_mutex_t* posix(mtx_t* mutex) { return reinterpret_cast<pthread_mutex_t*>(mutex); }
pthread_cond_t* posix(cnd_t* condition) { return reinterpret_cast<pthread_cond_t*>(condition); }

int answer(int code) {
  switch (code) {
  case 0:
    return thrd_success;
  case ETIMEDOUT:
    return thrd_timedout;
  case EBUSY:
    return thrd_busy;
  case ENOMEM:
    return thrd_nomem;
  default:
    return thrd_error;
  }
}

struct start {
  thrd_start_t run;
  void* argument;
};

void* begin(void* raw) {
  const auto [run, argument] = *std::unique_ptr<start>{static_cast<start*>(raw)};
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(run(argument)));
}

} // namespace

extern "C" {

// ThreadSanitizer's own.
void AnnotateIgnoreWritesBegin(const char* file, int line);
void AnnotateIgnoreWritesEnd(const char* file, int line);

// Debian's libraries are not instrumented: ThreadSanitizer sees what they do to memory through memcpy and free, but not the atomics by which
// they know that they may. What our own code does stays checked, also inside their callbacks.
const char* __tsan_default_suppressions();
// RocksDB's mutexes are POSIX's and seen, also where they order what our copies of its templates do; only where it orders by atomics alone is it told
// here, by the function of RocksDB that one side is in:
//   MemTable::Add, Arena::AllocateNewBlock  what a write copies into the memtable is read by who finds it through an atomic pointer
//   WriteThread, WriteBatchInternal::Append writers stand in a queue of atomics, each on its own stack; the leader takes what the others brought
//   WritableFileWriter::Append              the leader after it writes on in the same buffer
const char* __tsan_default_suppressions() {
  return "called_from_lib:librdkafka.so.1\n"
         "race:rocksdb::MemTable::Add\n"
         "race:rocksdb::Arena::AllocateNewBlock\n"
         "race:rocksdb::WriteThread::\n"
         "race:rocksdb::WriteBatchInternal::Append\n"
         "race:rocksdb::WritableFileWriter::Append\n";
}

int thrd_create(thrd_t* thread, thrd_start_t run, void* argument) {
  auto wanted = std::make_unique<start>(start{run, argument});
  const int code = pthread_create(thread, nullptr, begin, wanted.get());
  if (code == 0)
    static_cast<void>(wanted.release()); // the thread's now
  return answer(code);
}

int thrd_join(thrd_t thread, int* result) {
  void* raw = nullptr;
  const int code = pthread_join(thread, &raw);
  if (result != nullptr)
    *result = static_cast<int>(reinterpret_cast<std::intptr_t>(raw));
  return answer(code);
}

int thrd_detach(thrd_t thread) { return answer(pthread_detach(thread)); }

int mtx_init(mtx_t* mutex, int type) {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if ((type & mtx_recursive) != 0)
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
  // Others come to it through the library's read-write locks, which are called from inside it and so not seen; what it orders once it is locked, is.
  AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  const int code = pthread_mutex_init(posix(mutex), &attributes);
  AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  pthread_mutexattr_destroy(&attributes);
  return answer(code);
}

int mtx_lock(mtx_t* mutex) { return answer(pthread_mutex_lock(posix(mutex))); }
int mtx_trylock(mtx_t* mutex) { return answer(pthread_mutex_trylock(posix(mutex))); }
int mtx_timedlock(mtx_t* mutex, const timespec* until) { return answer(pthread_mutex_timedlock(posix(mutex), until)); }
int mtx_unlock(mtx_t* mutex) { return answer(pthread_mutex_unlock(posix(mutex))); }
void mtx_destroy(mtx_t* mutex) { pthread_mutex_destroy(posix(mutex)); }

int cnd_init(cnd_t* condition) { return answer(pthread_cond_init(posix(condition), nullptr)); }
int cnd_signal(cnd_t* condition) { return answer(pthread_cond_signal(posix(condition))); }
int cnd_broadcast(cnd_t* condition) { return answer(pthread_cond_broadcast(posix(condition))); }
int cnd_wait(cnd_t* condition, mtx_t* mutex) { return answer(pthread_cond_wait(posix(condition), posix(mutex))); }
int cnd_timedwait(cnd_t* condition, mtx_t* mutex, const timespec* until) {
  return answer(pthread_cond_timedwait(posix(condition), posix(mutex), until));
}
void cnd_destroy(cnd_t* condition) { pthread_cond_destroy(posix(condition)); }

} // extern "C"
