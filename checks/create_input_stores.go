package checks

import (
	"net/url"
	"strings"
)

// The reasons of store-options.
const (
	StoreCharacters       Reason = "store-characters"
	ImageStoreUnreadable  Reason = "image-store-unreadable"
	VolumeStoreUnreadable Reason = "volume-store-unreadable"
	VolumeStoreScheme     Reason = "volume-store-scheme"
	NFSStoreIncomplete    Reason = "nfs-store-incomplete"
	VolumeLabelTwice      Reason = "volume-label-twice"
)

func storeOptions() Check {
	return optionCheck(Check{
		ID:      "store-options",
		Title:   "The stores are spelt as vic-machine create reads them",
		Why:     "A store that is spelt wrong is refused, or is another one than was meant.",
		Reasons: []Reason{StoreCharacters, ImageStoreUnreadable, VolumeStoreUnreadable, VolumeStoreScheme, NFSStoreIncomplete, VolumeLabelTwice},
	}, "--volume-store", func(v *VCH) bool { return v.ImageStore != "" || len(v.VolumeStores) > 0 }, func(o *optionJudge) {
		o.imageStore("--image-store", o.vch.ImageStore)
		labels := map[string]bool{}
		for _, text := range o.vch.VolumeStores {
			subject := "--volume-store " + text
			label := o.volumeStore(subject, text)
			if label != "" && labels[label] {
				o.remark(subject, VolumeLabelTwice, "the label %s is on another store, too: create takes the last one and leaves the other out", label)
			}
			labels[label] = true
		}
	})
}

func (o *optionJudge) storeCharacters(subject, text string) {
	if at := strings.IndexAny(text, unsupportedInDatastores); at >= 0 {
		o.refuse(subject, StoreCharacters, "it has the character %s in it", text[at:at+1])
	}
}

// imageStore is CheckUnsupportedCharsDatastore of cmd/vic-machine/common/utils.go, and the
// beginning of DatastoreHelper of lib/install/validate/storage.go, which takes the text for a
// URL: behind ds:// a blank would be in a host's name.
func (o *optionJudge) imageStore(subject, text string) {
	o.storeCharacters(subject, text)
	if _, err := url.Parse(text); err != nil && !strings.ContainsAny(text, unsupportedInDatastores) {
		o.refuse(subject, ImageStoreUnreadable, "create reads it as a URL, and it is none")
	}
}

// volumeStore is processVolumeStoreParam and ProcessVolumeStores of
// cmd/vic-machine/common/volume_stores.go, and validateNFSTarget of
// lib/install/validate/storage.go. It returns the label, or nothing where there is none.
func (o *optionJudge) volumeStore(subject, text string) (label string) {
	end := strings.LastIndexByte(text, ':')
	if end <= 0 || end == len(text)-1 || strings.ContainsAny(text[end+1:], unsupportedInNames) {
		o.refuse(subject, VolumeStoreUnreadable, "it is not TARGET:LABEL with a name for a label")
		return ""
	}
	raw, label := text[:end], text[end+1:]
	target, err := url.Parse(strings.ReplaceAll(raw, "ds://", ""))
	if err != nil {
		o.refuse(subject, VolumeStoreUnreadable, "its target is neither a datastore's name nor a URL")
		return label
	}
	switch target.Scheme {
	case "", "ds":
		o.storeCharacters(subject, raw)
	case "nfs":
		if target.Host == "" || target.Path == "" {
			o.refuse(subject, NFSStoreIncomplete, "it is not nfs://HOST/PATH:LABEL")
		}
	default:
		o.refuse(subject, VolumeStoreScheme, "%s:// is neither ds:// nor nfs://", target.Scheme)
	}
	return label
}

// ISOFilesNotJudged is the reason of iso-files.
const ISOFilesNotJudged Reason = "iso-files-not-judged"

func isoFiles() Check {
	return optionCheck(Check{
		ID:      "iso-files",
		Title:   "The two ISO files are there, and of the program's version",
		Why:     "vic-machine create looks for them in the current folder and in its own, and ends where one is missing.",
		Reasons: []Reason{ISOFilesNotJudged},
	}, "--appliance-iso", always, func(o *optionJudge) {
		o.say("--appliance-iso", Skip, "", ISOFilesNotJudged,
			"appliance.iso and bootstrap.iso are looked for in the folder of vic-machine, too, which is not known here, as its version is not")
	})
}
