import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams, one stream thread: one processor with two stores, in RocksDB or in memory, as the arguments say.
 *
 * <p>Does: decode (Jackson), count by queue and minute in one store, one entry for each contact in the other; both have
 * caches and changelog topics, offsets are committed, all as by default (at least once). Does not: add up the counts of
 * the four partitions, which would need a topic in between, in its favour.
 */
public final class Peer {
    @JsonIgnoreProperties(ignoreUnknown = true)
    record Part(
            @JsonProperty("time") long time,
            @JsonProperty("contact_id") String contactId,
            @JsonProperty("queue") String queue) {}

    /** What all tasks of the one thread share: when it began, and how much there was. */
    private static final class Tally {
        final long wanted;
        final String variant;
        final List<Toy> tasks = new ArrayList<>();
        long seen;
        long begunNs;
        long cpuBegunNs;

        Tally(long wanted, String variant) {
            this.wanted = wanted;
            this.variant = variant;
        }

        void begin() {
            if (seen++ == 0) {
                begunNs = System.nanoTime();
                cpuBegunNs = cpuNs();
            }
        }

        void end() {
            if (seen < wanted) {
                return;
            }
            double seconds = (System.nanoTime() - begunNs) / 1e9;
            double cpuSeconds = (cpuNs() - cpuBegunNs) / 1e9;
            Set<String> places = new HashSet<>(); // the same place in two tasks is one
            long counted = 0;
            long contacts = 0;
            for (Toy task : tasks) {
                try (KeyValueIterator<String, Long> each = task.counts.all()) {
                    while (each.hasNext()) {
                        KeyValue<String, Long> next = each.next();
                        places.add(next.key);
                        counted += next.value;
                    }
                }
                try (KeyValueIterator<String, Long> each = task.contacts.all()) {
                    for (; each.hasNext(); each.next()) {
                        contacts++;
                    }
                }
            }
            System.out.printf(
                    "{\"version\": \"Kafka Streams %s (%s), Java %s\", \"records\": %d, \"seconds\": %.4f,"
                            + " \"cpu_seconds\": %.4f, \"counted\": %d, \"queue_minutes\": %d, \"contacts\": %d}%n",
                    AppInfoParser.getVersion(), variant, Runtime.version().feature(), seen, seconds, cpuSeconds, counted,
                    places.size(), contacts);
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }

        private static long cpuNs() {
            return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                    .getProcessCpuTime();
        }
    }

    private static final class Toy implements Processor<byte[], byte[], Void, Void> {
        private final ObjectReader reader = new ObjectMapper().readerFor(Part.class);
        private final Tally tally;
        private KeyValueStore<String, Long> counts;
        private KeyValueStore<String, Long> contacts;

        Toy(Tally tally) {
            this.tally = tally;
        }

        @Override
        public void init(ProcessorContext<Void, Void> context) {
            counts = context.getStateStore("counts");
            contacts = context.getStateStore("contacts");
            tally.tasks.add(this);
        }

        @Override
        public void process(Record<byte[], byte[]> record) {
            tally.begin();
            Part part;
            try {
                part = reader.readValue(record.value());
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            String place = (part.queue() == null ? "" : part.queue()) + ' ' + part.time() / 60_000;
            add(counts, place);
            add(contacts, part.contactId());
            tally.end();
        }

        private static void add(KeyValueStore<String, Long> store, String key) {
            Long before = store.get(key);
            store.put(key, before == null ? 1 : before + 1);
        }
    }

    private static StoreBuilder<KeyValueStore<String, Long>> store(String name, boolean memory) {
        KeyValueBytesStoreSupplier kept =
                memory ? Stores.inMemoryKeyValueStore(name) : Stores.persistentKeyValueStore(name);
        return Stores.keyValueStoreBuilder(kept, Serdes.String(), Serdes.Long()).withCachingEnabled();
    }

    public static void main(String[] arguments) {
        String bootstrap = arguments[0];
        String topic = arguments[1];
        boolean memory = arguments[3].equals("memory");
        Tally tally = new Tally(Long.parseLong(arguments[2]), memory ? "memory" : "RocksDB");
        Topology topology = new Topology()
                .addSource("in", Serdes.ByteArray().deserializer(), Serdes.ByteArray().deserializer(), topic)
                .addProcessor("toy", () -> new Toy(tally), "in")
                .addStateStore(store("counts", memory), "toy")
                .addStateStore(store("contacts", memory), "toy");
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "peer-streams-" + arguments[5]);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, arguments[4]);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        new KafkaStreams(topology, properties).start();
    }
}
