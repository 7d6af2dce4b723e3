import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The peer: joins events with the attestations about them, exactly once, and verifies nothing.
 *
 * <p>Both topics are keyed by digest, so no repartitioning is needed. Each record is read whole by Jackson's streaming
 * parser; then one get and one put of one persistent store. What arrives first waits in the store with what the joined
 * record will need of it; the second makes the joined record.
 *
 * <p>Join BOOTSTRAP APPLICATION EVENTS ATTESTATIONS JOINED STATE-FOLDER THREADS
 */
public final class Join {
  private static final String STORE = "waiting";
  private static final byte EVENT = 1;
  private static final byte ATTESTATION = 2;
  private static final byte JOINED = 3;
  /** Bytes of a row before what waits: which side it is, and its time. */
  private static final int HEAD = 1 + Long.BYTES;

  private Join() {}

  public static void main(String[] arguments) throws InterruptedException {
    String events = arguments[2];
    String attestations = arguments[3];
    Topology topology = new Topology();
    topology.addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), events);
    topology.addSource("attestations", new ByteArrayDeserializer(), new ByteArrayDeserializer(), attestations);
    ProcessorSupplier<byte[], byte[], byte[], byte[]> event = () -> new Side(EVENT);
    ProcessorSupplier<byte[], byte[], byte[], byte[]> attestation = () -> new Side(ATTESTATION);
    topology.addProcessor("event", event, "events");
    topology.addProcessor("attestation", attestation, "attestations");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(STORE), Serdes.ByteArray(), Serdes.ByteArray()),
        "event",
        "attestation");
    topology.addSink(
        "joined", arguments[4], new ByteArraySerializer(), new ByteArraySerializer(), "event", "attestation");

    KafkaStreams streams = new KafkaStreams(topology, properties(arguments));
    CountDownLatch ended = new CountDownLatch(1);
    streams.setUncaughtExceptionHandler(
        problem -> {
          problem.printStackTrace();
          ended.countDown();
          return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse
              .SHUTDOWN_CLIENT;
        });
    streams.start();
    ended.await();
    streams.close();
    System.exit(1);
  }

  private static Properties properties(String[] arguments) {
    Properties properties = new Properties();
    properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, arguments[0]);
    properties.put(StreamsConfig.APPLICATION_ID_CONFIG, arguments[1]);
    properties.put(StreamsConfig.STATE_DIR_CONFIG, arguments[5]);
    properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, arguments[6]);
    properties.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
    properties.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
    properties.put(StreamsConfig.topicPrefix("compression.type"), "producer");
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
    properties.put(StreamsConfig.producerPrefix(ProducerConfig.BUFFER_MEMORY_CONFIG), 64 * 1024 * 1024);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 2_000);
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
    properties.put(StreamsConfig.consumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "one");
    return properties;
  }

  /** One side of the join. */
  private static final class Side implements Processor<byte[], byte[], byte[], byte[]> {
    private final JsonFactory json =
        JsonFactory.builder().disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION).build();
    private final byte side;
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> store;

    Side(byte side) {
      this.side = side;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.store = context.getStateStore(STORE);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      byte[] own = read(record.value());
      byte[] waiting = store.get(record.key());
      if (waiting == null || waiting[0] == side) {
        store.put(record.key(), first(own, record.timestamp()));
      } else if (waiting[0] != JOINED) {
        ByteBuffer here = ByteBuffer.wrap(own);
        ByteBuffer there = ByteBuffer.wrap(waiting, HEAD, waiting.length - HEAD);
        store.put(record.key(), remembered(waiting, record.timestamp()));
        context.forward(record.withValue(side == EVENT ? joined(here, there) : joined(there, here)));
      }
    }

    /** What the joined record needs of this one: of an event its name and version, of an attestation its media type and signature. */
    private byte[] read(byte[] value) {
      String name = side == EVENT ? "name" : "mediaType";
      String other = side == EVENT ? "specVersion" : "sig";
      String found = "";
      String second = "";
      int fields = 0;
      try (JsonParser parser = json.createParser(value)) {
        for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
          if (token == JsonToken.FIELD_NAME) {
            fields++;
            String field = parser.currentName();
            JsonToken next = parser.nextToken();
            if (next == JsonToken.VALUE_STRING) {
              if (field.equals(name) && found.isEmpty()) {
                found = parser.getText();
              } else if (field.equals(other) && second.isEmpty()) {
                second = parser.getText();
              } else {
                // The whole string is read, as any use of it would.
                fields += parser.getTextLength() == 0 ? 0 : 1;
              }
            }
          }
        }
      } catch (IOException problem) {
        throw new IllegalArgumentException(problem);
      }
      String text = "{\"a\":\"" + found + "\",\"b\":\"" + second + "\",\"fields\":" + fields + "}";
      return text.getBytes(StandardCharsets.UTF_8);
    }

    private byte[] first(byte[] own, long timestamp) {
      return ByteBuffer.allocate(HEAD + own.length).put(side).putLong(timestamp).put(own).array();
    }

    /** A joined digest stays in the store: what comes again must be known. */
    private static byte[] remembered(byte[] waiting, long timestamp) {
      byte[] row = waiting.clone();
      row[0] = JOINED;
      ByteBuffer.wrap(row).putLong(1, timestamp);
      return row;
    }

    /** Both sides in one record. */
    private static byte[] joined(ByteBuffer event, ByteBuffer attestation) {
      byte[] head = "{\"event\":".getBytes(StandardCharsets.US_ASCII);
      byte[] middle = ",\"attestation\":".getBytes(StandardCharsets.US_ASCII);
      return ByteBuffer.allocate(head.length + event.remaining() + middle.length + attestation.remaining() + 1)
          .put(head)
          .put(event)
          .put(middle)
          .put(attestation)
          .put((byte) '}')
          .array();
    }
  }
}
