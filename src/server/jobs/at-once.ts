/** This many images more than threads are under way: one is decoded and one encoded while the threads compute. */
export const moreThanThreads = 2;
/** This many more, for clients that would wait for others' large ones. */
export const beyond = 4;
