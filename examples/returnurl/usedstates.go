package main

import (
	"maps"
	"sync"
	"time"
)

// usedStates keeps the states of the logins that have ended, in memory, until their cookies have expired. The limits of
// the logins and cancellations also limit its size. An application that runs as several processes needs a shared store.
type usedStates struct {
	mu         sync.Mutex
	expiries   map[string]time.Time
	lastPruned time.Time
}

func newUsedStates() *usedStates { return &usedStates{expiries: make(map[string]time.Time)} }

// use marks a state as used. It reports whether this is the first time.
func (u *usedStates) use(state string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if now.Sub(u.lastPruned) >= time.Minute {
		u.lastPruned = now
		maps.DeleteFunc(u.expiries, func(_ string, expiry time.Time) bool { return now.After(expiry) })
	}
	_, wasUsed := u.expiries[state]
	u.expiries[state] = now.Add(loginLifetime + time.Minute)
	return !wasUsed
}

func (u *usedStates) isUsed(state string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	_, isUsed := u.expiries[state]
	return isUsed
}
