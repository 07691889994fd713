package layout

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"backstory/source"
)

// The values of State's members.
const (
	// AESGCM is nonce(12) || tag(16) || ciphertext, without associated data
	// (pyeventsourcing/eventsourcing: eventsourcing/cipher.py).
	AESGCM = "aes-gcm"
	// Zlib is RFC 1950.
	Zlib = "zlib"
)

// State says how stored bytes were made from JSON text: first compressed,
// then encrypted, each where it is named.
type State struct {
	Cipher string `yaml:"cipher"`
	// Key is 16, 24 or 32 bytes in base64.
	Key      Secret `yaml:"key"`
	Compress string `yaml:"compress"`
}

func (s *State) validate() []source.Problem {
	var ps []source.Problem
	add := func(key, message, hint string) {
		ps = append(ps, problem([]string{"state", key}, message, hint))
	}
	switch s.Cipher {
	case AESGCM:
		if s.Key == "" {
			add("key", "cipher aes-gcm wants a key", "write key: ${env:NAME} and put the base64 key in that variable")
		} else if _, err := s.aead(); err != nil {
			add("key", err.Error(), "use the value of the application's CIPHER_KEY as it is")
		}
	case "":
		if s.Key != "" {
			add("key", "a key without a cipher", "add cipher: aes-gcm, or leave key out")
		}
	default:
		add("cipher", "there is no cipher "+s.Cipher, "write aes-gcm, or leave it out")
	}
	if s.Compress != "" && s.Compress != Zlib {
		add("compress", "there is no compression "+s.Compress, "write zlib, or leave it out")
	}
	return ps
}

// aead makes the cipher. Its errors do not show the key.
func (s *State) aead() (cipher.AEAD, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(s.Key)))
	if err != nil {
		return nil, errors.New("the key is not base64")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("the key has %d bytes: want 16, 24 or 32", len(key))
	}
	return cipher.NewGCM(block)
}
